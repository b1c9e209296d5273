// Two barriers on one source line, and half of the block at each.
// caught: divergent barrier: thread
// kernel: shift_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
__global__ void shift_kernel(const float* x, float* y) {
  CAIRN_SHARED(float, tile, 64);
  const unsigned t = threadIdx.x;
  tile[t] = x[t];
  // clang-format off
  if (kRight || t < 32) __syncthreads(); else __syncthreads();  // BUG
  // clang-format on
  y[t] = tile[(t + 1) % 64];
}

template <bool kRight>
void program() {
  const DeviceArray<float> x(counted<float>(64)), y(64);
  launch(shift_kernel<kRight>, Grid{1, 64}, x.data(), y.data());
  expect_right(y.values()[63] == 1);
}

}  // namespace

extern const SimtBug divergent_line;
constinit const SimtBug divergent_line{program<false>, program<true>};

}  // namespace cairn
