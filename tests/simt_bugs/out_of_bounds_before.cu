// A kernel reads before the begin of an array.
// caught by checker: reads 4 bytes: 4 bytes before an allocation of 256 bytes
// caught by asan: AddressSanitizer: use-after-poison
// kernel: difference_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

constexpr int kCount = 64;

template <bool kRight>
__global__ void difference_kernel(const float* x, float* y) {
  const int t = static_cast<int>(threadIdx.x);
  const int before = kRight && t == 0 ? 0 : t - 1;
  y[t] = x[t] - x[before];  // BUG
}

template <bool kRight>
void program() {
  const DeviceArray<float> x(counted<float>(kCount)), y(kCount);
  launch(difference_kernel<kRight>, Grid{1, kCount}, x.data(), y.data());
  expect_right(y.values()[5] == 1);
}

}  // namespace

extern const SimtBug out_of_bounds_before;
constinit const SimtBug out_of_bounds_before{program<false>, program<true>};

}  // namespace cairn
