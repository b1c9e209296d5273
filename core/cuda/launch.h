// How kernels are launched: `launch(kernel, Grid{...}, args...)`, with a checked result.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "core/cuda/arch/kernel.h"
#include "core/cuda/check.h"
#include "core/cuda/context.h"
#include "core/cuda/grid_stride.h"

namespace cairn {

struct Grid {
  dim3 grid;
  dim3 block;
  size_t smem = 0;  // bytes of dynamic shared memory
  cudaStream_t stream = nullptr;
  SourceLocation where = SourceLocation::current();  // told where the launch fails
};

constexpr int kThreads = 256;  // of a block, where a kernel has no wish of its own

/// Most blocks along x of a grid-stride loop: 4096 fill every card several times over. With
/// CAIRN_CUDA_BLOCKS=2, say, tests make every loop go round.
inline int64_t most_blocks() {
  const char* const given = std::getenv("CAIRN_CUDA_BLOCKS");
  return given ? std::max(1, std::atoi(given)) : 4096;
}

/// Blocks of `threads` for a grid-stride loop over n elements: at least one, since an empty grid is
/// an error.
inline dim3 blocks_for(int64_t n, int threads = kThreads) {
  const int64_t blocks = (n + threads - 1) / threads;
  return dim3(static_cast<unsigned>(std::clamp<int64_t>(blocks, 1, most_blocks())));
}

/// gridDim.y for a grid-stride loop over rows: at least one, at most what CUDA takes.
inline unsigned grid_rows(int64_t rows) {
  return static_cast<unsigned>(std::clamp<int64_t>(rows, 1, 65535));
}

/// Enqueues a kernel. The arguments are converted to the kernel's parameter types.
template <class... P, class... A>
void launch(void (*kernel)(P...), const Grid& g, A&&... args) {
  static_assert(sizeof...(P) == sizeof...(A), "the kernel takes another number of arguments");
  declare_kernel(kernel);
  cudaLaunchConfig_t config = {};
  config.gridDim = g.grid;
  config.blockDim = g.block;
  config.dynamicSmemBytes = g.smem;
  config.stream = g.stream;
  check(cudaLaunchKernelEx(&config, kernel, static_cast<P>(std::forward<A>(args))...), g.where);
}

}  // namespace cairn
