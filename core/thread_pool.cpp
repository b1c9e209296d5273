#include "core/thread_pool.h"

#include <utility>

namespace cairn {
namespace {

constexpr int kSpins = 4000;  // about 50 us: longer than the gap between two stages of a step

template <class Condition>
bool spin_until(Condition done) {
  for (int i = 0; i < kSpins; ++i) {
    if (done()) return true;
    __builtin_ia32_pause();
  }
  return done();
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { worker(); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    ++generation_;
  }
  wake_.notify_all();
  for (std::thread& t : workers_) t.join();
}

void ThreadPool::run_erased(int64_t tasks, TaskFn fn, void* context) {
  if (workers_.empty() || tasks <= 1) {
    for (int64_t i = 0; i < tasks; ++i) fn(context, i);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    tasks_ = tasks, fn_ = fn, context_ = context;
    next_ = 0;
    busy_ = static_cast<int>(workers_.size());
    ++generation_;
  }
  wake_.notify_all();
  work();
  const auto idle = [this] { return busy_.load(std::memory_order_acquire) == 0; };
  while (!spin_until(idle)) std::this_thread::yield();
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void ThreadPool::work() {
  for (int64_t i = next_++; i < tasks_; i = next_++) {
    try {
      fn_(context_, i);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
  }
}

void ThreadPool::worker() {
  uint64_t seen = 0;
  while (true) {
    const auto changed = [&] { return generation_.load(std::memory_order_acquire) != seen; };
    if (!spin_until(changed)) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, changed);
    }
    seen = generation_.load(std::memory_order_acquire);
    if (stop_) return;
    work();
    busy_.fetch_sub(1, std::memory_order_acq_rel);
  }
}

}  // namespace cairn
