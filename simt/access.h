// How kernels use memory: the sectors that each access of a warp asks for, those that a launch must
// move at least, and the bank conflicts of shared memory. In builds with the checker.
//
// Threads run one after another, so the accesses of a warp are put together from what its lanes did
// one by one: lanes at the same instruction go on together, and lanes that have parted meet where
// all their ways lead (the branch's post-dominator), as on a GPU. What control flow there is, is
// learnt from the threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "simt/engine.h"

namespace simt {

constexpr int64_t kSectorBytes = 32;  // that memory moves at least

/// Sums over the accesses of warps.
struct AccessCounts {
  int64_t accesses = 0;  // to device memory
  int64_t sectors = 0;   // aligned pieces of 32 bytes that those touch, counted for each access
  int64_t ideal_sectors = 0;  // the fewest that could hold the bytes that they touch
  // The sectors that are loaded, and stored, for the first time in their launch: what memory sees
  // of it behind a cache that holds everything. An atomic operation loads and stores.
  int64_t loaded_sectors = 0, stored_sectors = 0;
  int64_t lane_accesses = 0, lane_bytes = 0;  // those of single threads, to device memory
  int64_t shared_accesses = 0;
  int64_t bank_conflicts = 0;  // passes of shared memory above the fewest for the words touched

  /// 1 where nothing was accessed.
  double coalescing() const {
    return sectors > 0 ? static_cast<double>(ideal_sectors) / static_cast<double>(sectors) : 1;
  }
  int64_t moved_sectors() const { return loaded_sectors + stored_sectors; }
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
  /// The running thread comes to a piece of code without branches, or accesses memory.
  void reach(const void* code) { access(nullptr, 0, false, false, code); }
  void access(const void* address, size_t bytes, bool loads, bool stores, const void* code);
  void passed_barrier();
  void thread_left();

 private:
  /// An instruction, or a piece of code without branches.
  struct Node {
    const void* code = nullptr;
    bool loads = false, stores = false;
    std::vector<uint32_t> from = {};  // where threads came from
    uint32_t rank = 0;                // less than that of all its post-dominators
    AccessCounts counts = {};
  };
  struct Kernel {
    const void* function = nullptr;
    int64_t launches = 0;
    std::vector<Node> nodes = {{}};  // the first is the end, and every barrier
    std::unordered_map<const void*, uint32_t> node_of = {};
    bool ranked = false;
  };
  struct Event {
    uint32_t node = 0, bytes = 0;
    const void* address = nullptr;
  };
  struct LaneAccess {
    uint32_t lane;
    uintptr_t begin, end;
  };

  Kernel& kernel() { return kernels_[kernel_]; }
  void connect(uint32_t from, uint32_t to);
  void rank_nodes();
  void fold(uint32_t warp);
  void count(Node& node);
  void count_device(Node& node);
  void count_shared(AccessCounts& counts);

  bool on_ = false;
  std::vector<Kernel> kernels_;
  size_t kernel_ = 0;                       // that runs
  std::vector<std::vector<Event>> events_;  // of each thread, since the last barrier
  std::vector<uint32_t> left_;              // threads of each warp that have not left
  std::vector<LaneAccess> together_;        // an access of a warp
  std::vector<uintptr_t> words_;
  std::unordered_set<uintptr_t> loaded_, stored_;  // sectors of the running launch
};
AccessRecorder& access_recorder();

}  // namespace simt
