// A block's sum, for kernels that add up in a fixed order.
#pragma once

#include "core/cuda/launch.h"

namespace cairn {

/// The sum of the values of the block's kThreads threads, in thread 0, by a tree in shared memory;
/// 0 in the others. All threads must call it.
template <class T>
__device__ T block_sum(T value) {
  CAIRN_SHARED(T, sums, kThreads);
  __syncthreads();  // an earlier sum of the block may still be read
  sums[threadIdx.x] = value;
  for (unsigned half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
  }
  return threadIdx.x == 0 ? sums[0] : T{};
}

}  // namespace cairn
