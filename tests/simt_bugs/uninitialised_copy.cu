// A copy from memory that nobody has set, within the device: what it writes is as undefined.
// caught by checker: uninitialised device memory
// caught: wrong values
// kernel: twice_kernel
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

__global__ void twice_kernel(const float* x, float* y) {
  y[threadIdx.x] = 2 * x[threadIdx.x];  // BUG
}

template <bool kRight>
void program() {
  const DeviceArray<float> x(32), copy(32), y(32);
  if (kRight) check(cudaMemset(x.data(), 0, x.bytes()));
  check(cudaMemcpy(copy.data(), x.data(), x.bytes(), cudaMemcpyDeviceToDevice));
  launch(twice_kernel, Grid{1, 32}, copy.data(), y.data());
  expect_right(y.values()[31] == 0);
}

}  // namespace

extern const SimtBug uninitialised_copy;
constinit const SimtBug uninitialised_copy{program<false>, program<true>};

}  // namespace cairn
