// A kernel reads behind the end of an array: the last thread lacks its bound.
// caught by checker: reads 4 bytes: 0 bytes behind an allocation of 256 bytes
// caught by asan: AddressSanitizer: use-after-poison
// kernel: shift_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

constexpr unsigned kCount = 64;

template <bool kRight>
__global__ void shift_kernel(const float* x, float* y) {
  const unsigned t = threadIdx.x;
  if (kRight && t + 1 == kCount) return;
  y[t] = x[t + 1];  // BUG
}

template <bool kRight>
void program() {
  const DeviceArray<float> x(counted<float>(kCount)), y(std::vector<float>(kCount, 0.0f));
  launch(shift_kernel<kRight>, Grid{1, kCount}, x.data(), y.data());
  expect_right(y.values()[kCount - 2] == kCount);
}

}  // namespace

extern const SimtBug out_of_bounds_read;
constinit const SimtBug out_of_bounds_read{program<false>, program<true>};

}  // namespace cairn
