// A shuffle reads from a lane outside of its mask: the half of a warp looks into the other.
// caught: which is outside of its mask
// kernel: sum_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
__global__ void sum_kernel(float* y) {
  const unsigned t = threadIdx.x;
  if (t >= 16) return;
  float sum = 1;
  for (int step = kRight ? 8 : 16; step > 0; step /= 2)
    sum += __shfl_xor_sync(0xffffu, sum, step);  // BUG
  y[t] = sum;
}

template <bool kRight>
void program() {
  const DeviceArray<float> y(16);
  launch(sum_kernel<kRight>, Grid{1, 32}, y.data());
  expect_right(y.values()[3] == 16);
}

}  // namespace

extern const SimtBug shuffle_outside_mask;
constinit const SimtBug shuffle_outside_mask{program<false>, program<true>};

}  // namespace cairn
