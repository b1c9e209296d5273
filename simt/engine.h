// Runs kernels: the blocks of a grid one after another, the threads of a block as fibers.
#pragma once

#include <cuda_runtime_api.h>
#include <vector_types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "simt/kernel.h"

namespace simt {

/// A launch with its own copy of the arguments.
struct Launch {
  const void* kernel = nullptr;
  const Signature* signature = nullptr;
  std::shared_ptr<void> arguments;
  dim3 grid, block;
  size_t dynamic_shared = 0;
  size_t shared_limit = 0;  // of static and dynamic shared memory together
};

/// Runs all threads of a launch to their end. The result is the error that a fault in the kernel
/// leaves behind (it has been reported then), or cudaSuccess.
cudaError_t run(const Launch& launch);

constexpr size_t kSharedBytes = size_t{227} << 10;  // a block can have on compute capability 9.0
constexpr size_t kStaticSharedBytes = size_t{48} << 10;             // without asking for more
constexpr size_t kSharedArena = kSharedBytes + (size_t{64} << 10);  // with red zones
constexpr unsigned kWarp = 32;

/// The CUDA thread that is running.
struct Running {
  const void* kernel = nullptr;          // nullptr: the host runs
  const std::byte* arguments = nullptr;  // of the kernel, packed
  size_t argument_bytes = 0;
  uint64_t launch = 0;                  // serial number
  uint64_t block = 0, first_block = 0;  // serial numbers over all launches, from 1
  uint32_t thread = 0;                  // in its block
  uint32_t barriers = 0;                // that the block has passed
};
const Running& running();
/// "block (0,0,0), thread (3,0,0)"
std::string running_thread();

/// Whether an address is in the block's shared memory, and in an array that was asked for.
bool is_shared(const void* address);
bool is_shared_array(const void* address, size_t bytes);
const std::byte* shared_memory();
/// Whether an address is on the stack of a fiber.
bool is_on_stack(const void* address);

/// What warp-wide functions exchange.
enum class WarpOp : uint8_t {
  sync,
  shuffle,
  ballot,
  all,
  any,
  add,
  min,
  max,
  bit_and,
  bit_or,
  bit_xor,
  match
};

/// Waits until all lanes of `mask` are here with the same op; the result is, by op: the value of
/// lane `source` (its own where that one is outside of the warp's segment), the lanes whose value
/// is not 0, their conjunction, disjunction, sum, ..., the lanes with the same value.
uint64_t exchange(WarpOp op, uint32_t mask, uint64_t value, uint32_t source, bool is_signed,
                  const Site& site);
/// Waits for all threads of the block. Returns how many had a predicate that is not 0.
int barrier(int predicate, const Site& site);
/// Called at each atomic operation, and at loads that repeat; `idle`: nothing changed. Lets others
/// run now and then, for loops that wait for another thread; a fault where those go on for ever.
void spin(bool idle, const void* code);

}  // namespace simt
