// A kernel adds to memory that nobody has set.
// caught by checker: uninitialised device memory
// caught: wrong values
// kernel: add_kernel
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

__global__ void add_kernel(const float* x, float* sum) {
  sum[threadIdx.x] += x[threadIdx.x];  // BUG
}

template <bool kRight>
void program() {
  const DeviceArray<float> x(counted<float>(32)), sum(32);
  if (kRight) check(cudaMemset(sum.data(), 0, sum.bytes()));
  launch(add_kernel, Grid{1, 32}, x.data(), sum.data());
  expect_right(sum.values()[31] == 32);
}

}  // namespace

extern const SimtBug uninitialised_device;
constinit const SimtBug uninitialised_device{program<false>, program<true>};

}  // namespace cairn
