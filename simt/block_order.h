// What the checker knows of the order between the blocks of a launch: a thread's fence and an
// atomic function pass on what its block did, an atomic function on that word and a fence take it
// over.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "simt/engine.h"

namespace simt {

/// One access to a word of 4 bytes.
struct Record {
  const void* code = nullptr;
  uint32_t block = 0;                // serial number; 0: none
  uint32_t barriers = 0, clock = 0;  // of the thread then
  uint16_t thread = 0;
  uint8_t bytes = 0;  // bit i: byte i of the word
  bool atomic = false;

  uint32_t warp() const { return thread / kWarp; }
  /// Whether one record can stand for both.
  bool goes_with(const Record& r) const {
    return block == r.block && barriers == r.barriers && clock == r.clock && thread == r.thread &&
           atomic == r.atomic;
  }
};

/// A thread's fence, which passes on all that its block did before the last barrier, and what it
/// did itself up to `clock`.
struct Fence {
  uint32_t block = 0, barriers = 0, clock = 0;
  uint16_t thread = 0;

  bool covers(const Record& r) const {
    return r.barriers < barriers || (r.thread == thread && r.clock <= clock);
  }
};

/// What an atomic function has read: the first fences that were passed on at its word, which lie in
/// the order of their blocks.
struct Reading {
  const std::vector<Fence>* fences = nullptr;
  size_t count = 0;
  uint16_t thread = 0;
  uint32_t barriers = 0;  // of the thread at its next fence

  bool covers(const Record& r) const {
    const auto begin = fences->begin(), end = begin + static_cast<std::ptrdiff_t>(count);
    const auto found = std::ranges::equal_range(begin, end, r.block, {}, &Fence::block);
    return std::ranges::any_of(found, [&](const Fence& fence) { return fence.covers(r); });
  }
};

class BlockOrder {
 public:
  /// Another block begins; launches follow one another.
  void begin(uint64_t launch) {
    fences_.assign(kThreads, {});
    read_.clear(), taken_.clear();
    if (launch != launch_) passed_on_.clear();
    launch_ = launch;
  }

  void fence(const Fence& now) {
    fences_[now.thread] = now;
    const auto own =
        std::ranges::partition(read_, [&](const Reading& r) { return r.thread != now.thread; });
    for (Reading& r : own) r.barriers = now.barriers, taken_.push_back(r);
    read_.erase(own.begin(), own.end());
  }

  /// A thread's atomic function on a word of device memory.
  void count(const void* word, uint16_t thread) {
    std::vector<Fence>& fences = passed_on_[word];
    if (!fences.empty()) read_.push_back({&fences, fences.size(), thread});
    if (fences_[thread].block) fences.push_back(fences_[thread]);
  }

  /// Whether a thread sees what another block did; its block's others see what it has taken over
  /// behind the next barrier.
  bool passed_on(const Record& before, uint32_t thread, uint32_t barriers) const {
    return std::ranges::any_of(taken_, [&](const Reading& r) {
      return (r.thread == thread || r.barriers < barriers) && r.covers(before);
    });
  }

 private:
  static constexpr size_t kThreads = 1024;
  uint64_t launch_ = 0;
  std::vector<Fence> fences_;                            // the last of each thread of the block
  std::vector<Reading> read_, taken_;                    // by the block: before and behind a fence
  std::map<const void*, std::vector<Fence>> passed_on_;  // at each word, by the launch's blocks
};

}  // namespace simt
