// A load of four floats at an address that is no multiple of 16.
// caught by checker: the address is no multiple of
// caught by asan: misaligned address
// kernel: copy_kernel
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

__global__ void copy_kernel(const float* x, float4* y) {
  y[threadIdx.x] = reinterpret_cast<const float4*>(x)[threadIdx.x];  // BUG
}

template <bool kRight>
void program() {
  const DeviceArray<float> x(counted<float>(132)), y(128);
  launch(copy_kernel, Grid{1, 32}, x.data() + (kRight ? 4 : 1),
         reinterpret_cast<float4*>(y.data()));
  expect_right(y.values()[127] == 132);
}

}  // namespace

extern const SimtBug misaligned_vector;
constinit const SimtBug misaligned_vector{program<false>, program<true>};

}  // namespace cairn
