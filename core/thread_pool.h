// A persistent pool of threads for loops whose tasks are fixed by shape.
//
// Which thread runs a task is left open; what a task computes is not, so results do not depend on
// the number of threads. Waiting spins briefly, then sleeps, so more threads than cores work too.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace cairn {

class ThreadPool {
 public:
  /// `threads` >= 1, the caller's included.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls task(0) ... task(tasks - 1), each once, and returns when all are done. The first
  /// exception thrown by a task is rethrown here. Not reentrant; allocates nothing.
  template <class F>
  void run(int64_t tasks, F& task) {
    run_erased(
        tasks, [](void* f, int64_t i) { (*static_cast<F*>(f))(i); }, &task);
  }

 private:
  using TaskFn = void (*)(void*, int64_t);

  void run_erased(int64_t tasks, TaskFn fn, void* context);
  void work();
  void worker();

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<uint64_t> generation_{0};
  std::atomic<bool> stop_{false};
  std::atomic<int64_t> next_{0};
  std::atomic<int> busy_{0};  // workers that have not finished the present generation
  int64_t tasks_ = 0;
  TaskFn fn_ = nullptr;
  void* context_ = nullptr;
  std::exception_ptr failure_;
};

}  // namespace cairn
