// The emulated device's properties, and what tests do to it.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>
#include <vector>

namespace simt {

/// The order in which the blocks of a grid and the threads of a block run: each order alone misses
/// some races.
enum class Order : uint8_t { forward, reverse, random };

/// Read from the environment when the first CUDA call is made:
///
///   SIMT_ORDER    forward, reverse, random or random:SEED
///   SIMT_DEVICES  how many devices there are; SIMT_DRIVER the CUDA version that the driver serves
///                 (13000; 0: no driver)
///   SIMT_ARCH     compute capability as 90; SIMT_IMAGE=0: the program has no code for it
///   SIMT_MEMORY   bytes of device memory
///   SIMT_KERNELS  a file for the kernels that the program launched, which it writes when it ends:
///                 for each size of block a line of the kernel's offset in the program, in
///                 hexadecimal, the launches, the threads of a block and its bytes of dynamic
///                 shared memory
struct Settings {
  Order order = Order::forward;
  uint64_t seed = 1;
  int devices = 1;
  int driver = CUDART_VERSION;
  int arch = 90;
  bool image = true;
  int64_t memory = int64_t{16} << 30;
};
Settings& settings();

/// Makes the n-th CUDA call from now (from 1) fail with `error`, after doing nothing; a call that
/// releases something releases it all the same, as CUDA's do. 0: none.
void fail_call(int64_t n, cudaError_t error = cudaErrorUnknown);
/// CUDA calls made so far, and the name of the one that fail_call() made fail, or empty.
int64_t calls();
std::string failed_call();

/// Objects that are alive: "3 device allocations (1,024 bytes), 1 stream"; empty where there is
/// none.
std::string alive();
/// Forgets the sticky error, as cudaDeviceReset does, and keeps all objects.
void clear_errors();

}  // namespace simt
