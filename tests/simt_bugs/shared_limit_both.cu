// Static and dynamic shared memory, each within its limit and together beyond it.
// caught: of shared memory
// kernel: fill_kernel
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

__global__ void fill_kernel(float* y) {
  CAIRN_SHARED(float, first, 8192);  // BUG
  CAIRN_DYNAMIC_SHARED(float, second);
  first[threadIdx.x] = second[threadIdx.x] = 1;
  y[threadIdx.x] = first[threadIdx.x] + second[threadIdx.x];
}

template <bool kRight>
void program() {
  const DeviceArray<float> y(32);
  launch(fill_kernel, Grid{1, 32, kRight ? 16384 : 32768}, y.data());
  expect_right(y.values()[31] == 2);
}

}  // namespace

extern const SimtBug shared_limit_both;
constinit const SimtBug shared_limit_both{program<false>, program<true>};

}  // namespace cairn
