// Threads without work return before the others' barrier.
// caught: has left the kernel
// kernel: shift_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
__global__ void shift_kernel(const float* x, float* y, unsigned count) {
  CAIRN_SHARED(float, tile, 64);
  const unsigned t = threadIdx.x;
  if (!kRight && t >= count) return;
  if (t < count) tile[t] = x[t];
  __syncthreads();  // BUG
  if (t < count) y[t] = tile[(t + 1) % count];
}

template <bool kRight>
void program() {
  const DeviceArray<float> x(counted<float>(50)), y(50);
  launch(shift_kernel<kRight>, Grid{1, 64}, x.data(), y.data(), 50u);
  expect_right(y.values()[49] == 1);
}

}  // namespace

extern const SimtBug divergent_return;
constinit const SimtBug divergent_return{program<false>, program<true>};

}  // namespace cairn
