// Arrays in shared memory that together exceed what a kernel has.
// caught: of shared memory
// kernel: fill_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
__global__ void fill_kernel(float* y) {
  CAIRN_SHARED(float, first, 8192);
  CAIRN_SHARED(float, second, kRight ? 4096 : 8192);  // BUG
  first[threadIdx.x] = second[threadIdx.x] = 1;
  y[threadIdx.x] = first[threadIdx.x] + second[threadIdx.x];
}

template <bool kRight>
void program() {
  const DeviceArray<float> y(32);
  launch(fill_kernel<kRight>, Grid{1, 32}, y.data());
  expect_right(y.values()[31] == 2);
}

}  // namespace

extern const SimtBug static_shared_limit;
constinit const SimtBug static_shared_limit{program<false>, program<true>};

}  // namespace cairn
