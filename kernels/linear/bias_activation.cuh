// The end of a layer on CUDA, in place: y = act(y + b), for matrices that a product made.
#pragma once

#include <algorithm>

#include "core/cuda/launch.h"
#include "kernels/unary/unary.h"

namespace cairn {
namespace {

/// Threads run along a row, blockIdx.y over rows; 8 bytes an element, and b once a row.
__global__ void bias_activation_kernel(float* y, const float* bias, Activation activation,
                                       int64_t rows, int64_t length) {
  for (const int64_t row : row_stride(rows)) {
    const float b = bias ? bias[row] : 0.0f;
    float* const of_row = y + row * length;
    for (const int64_t i : grid_stride(length)) of_row[i] = activate(activation, of_row[i] + b);
  }
}

/// y: rows of `length` elements that share one bias; bias may be nullptr.
void bias_activation(CudaContext& context, float* y, const float* bias, Activation activation,
                     int64_t rows, int64_t length) {
  if ((!bias && activation == Activation::none) || rows == 0 || length == 0) return;
  const int threads = static_cast<int>(std::clamp<int64_t>((length + 31) / 32 * 32, 32, kThreads));
  const dim3 blocks(blocks_for(length, threads).x, grid_rows(rows));
  launch(bias_activation_kernel, {.grid = blocks, .block = dim3(threads), .stream = context.stream},
         y, bias, activation, rows, length);
}

}  // namespace
}  // namespace cairn
