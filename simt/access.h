// How kernels use memory: the sectors that each access of a warp asks for, and the bank conflicts
// of shared memory. In builds with the checker.
//
// Threads run one after another, so the accesses of a warp are put together from what its lanes did
// one by one: lanes that are at the same instruction go on together, and where they have parted,
// those that lie behind in the code go first, as a GPU lets them meet again behind a branch or a
// loop.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "simt/engine.h"

namespace simt {

/// Sums over the accesses of warps.
struct AccessCounts {
  int64_t accesses = 0;  // to device memory
  int64_t sectors = 0;   // aligned pieces of 32 bytes that those touch, counted for each access
  int64_t ideal_sectors = 0;  // the fewest that could hold the bytes that they touch
  int64_t shared_accesses = 0;
  int64_t bank_conflicts = 0;  // passes of shared memory above the fewest for the words touched

  /// 1 where nothing was accessed.
  double coalescing() const {
    return sectors > 0 ? static_cast<double>(ideal_sectors) / static_cast<double>(sectors) : 1;
  }
  bool wasteful() const { return sectors > ideal_sectors || bank_conflicts > 0; }
  AccessCounts& operator+=(const AccessCounts& other);
};

struct KernelAccesses {
  std::string kernel;
  int64_t launches = 0;
  AccessCounts total;
  /// "FILE:LINE" of what is wasteful(), the most sectors and conflicts above the fewest first.
  std::vector<std::pair<std::string, AccessCounts>> lines;
};

class AccessRecorder {
 public:
  /// Whether this build sees loads and stores.
  static bool built();

  void start();
  /// Stops; the kernels since start() in the order in which they were first launched.
  std::vector<KernelAccesses> take();

  // Told by the engine and by the compiler's instrumentation; nothing is kept unless started.
  void begin_launch(const void* kernel);
  void begin_block(uint32_t threads);
  void enter_function();
  void leave_function();
  /// The running thread comes to a piece of code without branches.
  void reach(const void* code);
  void access(const void* address, size_t bytes, const void* code);
  void passed_barrier();
  void thread_left();

 private:
  /// What a thread did: it reached a piece of code (bytes is 0), or accessed memory.
  struct Event {
    uint64_t place = 0;  // instruction; those of inner functions are less
    const void* address = nullptr;
    size_t bytes = 0;
  };
  struct Thread {
    std::vector<Event> events;
    uint64_t depth = 0;  // of functions
  };
  struct LaneAccess {
    uint32_t lane;
    uintptr_t begin, end;
  };
  struct Kernel {
    const void* function = nullptr;
    int64_t launches = 0;
    std::unordered_map<uint64_t, AccessCounts> instructions;
  };

  /// The running one, where it is recorded.
  Thread* thread();
  void fold(uint32_t warp);
  void count_device(AccessCounts& counts);
  void count_shared(AccessCounts& counts, size_t bytes);

  bool on_ = false;
  std::vector<Kernel> kernels_;
  size_t kernel_ = 0;  // that runs
  std::vector<Thread> threads_;
  std::vector<uint32_t> left_;           // threads of each warp that have not left
  std::vector<LaneAccess> warp_access_;  // those of one instruction
  std::vector<uintptr_t> words_;
};
AccessRecorder& access_recorder();

}  // namespace simt
