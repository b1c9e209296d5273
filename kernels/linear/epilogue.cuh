// What follows a matrix product: a bias for each row and an activation, in place.
#pragma once

#include "core/cuda/launch.h"
#include "kernels/unary/unary.h"

namespace cairn {
namespace {

// One thread an element, coalesced: 4 bytes read and 4 written; `run` elements share a bias.
__global__ void epilogue_kernel(float* y, const float* bias, int64_t run, int64_t n, Activation a) {
  const int64_t stride = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n; i += stride)
    y[i] = activate(a, bias ? y[i] + bias[i / run] : y[i]);
}

}  // namespace

/// y = act(y + bias) over n elements, `bias` a number for each `run` of them or nullptr.
inline void launch_epilogue(CudaContext& context, float* y, const float* bias, int64_t run,
                            int64_t n, Activation activation) {
  if (n == 0 || (!bias && activation == Activation::none)) return;
  launch(epilogue_kernel, {.grid = blocks_for(n), .block = kThreads, .stream = context.stream}, y,
         bias, run, n, activation);
}

}  // namespace cairn
