// The end of sums that blocks have shared out: their parts are added up in order, so that the
// result is the same every time.
#pragma once

#include "core/cuda/launch.h"

namespace cairn {
namespace {

/// total[i] += sums[0][i] + sums[1][i] + ... . One thread an element: 4 bytes read a part, 8 more.
__global__ void add_parts_kernel(const float* sums, int64_t parts, int64_t count, float* total) {
  for (const int64_t i : grid_stride(count)) {
    float sum = 0;
    for (int64_t p = 0; p < parts; ++p) sum += sums[p * count + i];
    total[i] += sum;
  }
}

/// sums: `parts` times `count` elements.
void add_parts(CudaContext& context, const float* sums, int64_t parts, int64_t count,
               float* total) {
  launch(add_parts_kernel,
         {.grid = blocks_for(count), .block = dim3(kThreads), .stream = context.stream}, sums,
         parts, count, total);
}

}  // namespace
}  // namespace cairn
