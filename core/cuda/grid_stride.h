// The loops of kernels over more elements, rows or tiles than a grid has threads or blocks:
//
//   for (const int64_t i : grid_stride(n)) y[i] = f(x[i]);
//
// Any grid covers every index once, whatever n is; `launch.h` says how large a grid is enough.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "core/host_device.h"

namespace cairn {

/// The indices first, first + step, first + 2 step, ... below `end`.
class Strided {
 public:
  class Iterator {
   public:
    CAIRN_HD constexpr Iterator(int64_t at, int64_t step) : at_(at), step_(step) {}
    CAIRN_HD constexpr int64_t operator*() const { return at_; }
    CAIRN_HD constexpr void operator++() { at_ += step_; }
    /// Whether indices are left.
    CAIRN_HD constexpr bool operator!=(int64_t end) const { return at_ < end; }

   private:
    int64_t at_, step_;
  };

  CAIRN_HD constexpr Strided(int64_t first, int64_t end, int64_t step)
      : first_(first), end_(end), step_(step) {}
  CAIRN_HD constexpr Iterator begin() const { return {first_, step_}; }
  CAIRN_HD constexpr int64_t end() const { return end_; }

 private:
  int64_t first_, end_, step_;
};

/// The thread's share of n elements, one thread an element, along x.
__device__ inline Strided grid_stride(int64_t n) {
  return {int64_t{blockIdx.x} * blockDim.x + threadIdx.x, n, int64_t{gridDim.x} * blockDim.x};
}

/// The block's share of n elements, `each` of them a block: where each portion begins, along x.
__device__ inline Strided block_stride(int64_t n, int64_t each = 1) {
  return {int64_t{blockIdx.x} * each, n, int64_t{gridDim.x} * each};
}

/// The warp's share of n runs, one warp a run, along x; blocks are of 32 x any number of threads.
__device__ inline Strided warp_stride(int64_t n) {
  return {int64_t{blockIdx.x} * blockDim.y + threadIdx.y, n, int64_t{gridDim.x} * blockDim.y};
}

/// The block's share of rows, along y.
__device__ inline Strided row_stride(int64_t rows) { return {blockIdx.y, rows, gridDim.y}; }

}  // namespace cairn
