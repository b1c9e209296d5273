// The running block: its threads, who waits for what, and who runs next.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "simt/engine.h"
#include "simt/fiber.h"
#include "simt/settings.h"

namespace simt {

enum class LaneState : uint8_t { fresh, ready, at_barrier, at_exchange, exited };

/// One CUDA thread of the block.
struct Lane {
  LaneState state = LaneState::fresh;
  Fiber* fiber = nullptr;  // while it waits
  Site site;               // where it waits
  WarpOp op = WarpOp::sync;
  uint32_t mask = 0, source = 0;
  bool is_signed = false;
  uint64_t value = 0, result = 0;
};

class Block {
 public:
  /// Runs the block of a launch at `index` to its end, or to a fault.
  void run(const Launch& launch, uint3 index, uint64_t serial);

  int barrier(int predicate, const Site& site);
  uint64_t exchange(WarpOp op, uint32_t mask, uint64_t value, uint32_t source, bool is_signed,
                    const Site& site);
  void spin(bool idle, const void* code);
  /// Leaves the kernel for good, with an error.
  [[noreturn]] void abandon(cudaError_t error);

  cudaError_t error() const { return error_; }
  void clear_error() { error_ = cudaSuccess; }
  uint32_t thread() const { return current_; }
  bool is_on_stack(const void* address) const;
  std::string name_of(uint32_t thread) const;

 private:
  static void body();
  void start(const Launch& launch);
  Fiber* idle_fiber();
  void make_current(uint32_t thread);
  /// The running thread stops here until its state is ready again.
  void wait(LaneState state, const Site& site);
  void exit_thread();
  bool resume_ready();
  void release_barrier();
  std::string waiting() const;
  void stop(const std::string& what);
  /// Whether all lanes of the asking lane's mask are at its warp-wide function.
  bool complete(uint32_t warp, const Lane& asking) const;
  void answer(uint32_t warp, const Lane& asking);

  const Launch* launch_ = nullptr;
  std::vector<Lane> lanes_;
  std::vector<uint32_t> order_;
  Order ordered_ = Order::forward;
  size_t next_ = 0;  // in order_: the first that has not begun
  uint32_t live_ = 0, at_barrier_ = 0, at_exchange_ = 0;
  uint32_t current_ = 0;
  int predicates_ = 0, passed_predicates_ = 0;
  int64_t atomics_ = 0, idle_atomics_ = 0;  // all; without a change of anything in between
  Fiber* fiber_ = nullptr;                  // that runs
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> idle_;
  cudaError_t error_ = cudaSuccess;
};
Block& block();

/// Positions 0 ... count - 1 in the order of the settings; `salt` makes random orders differ.
void order_positions(std::vector<uint32_t>& order, uint32_t count, uint64_t salt);

/// Begins a block's shared memory (shared.cpp): what its launch may take in all, and its dynamic
/// part.
void begin_shared(size_t limit, size_t dynamic_bytes, uint64_t block);

}  // namespace simt
