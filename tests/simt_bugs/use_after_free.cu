// A kernel reads memory that was freed.
// caught by checker: memory that was freed
// caught by asan: AddressSanitizer: use-after-poison
// kernel: copy_kernel
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

__global__ void copy_kernel(const float* x, float* y) {
  y[threadIdx.x] = x[threadIdx.x];  // BUG
}

template <bool kRight>
void program() {
  const DeviceArray<float> y(32);
  float* gone = nullptr;
  {
    const DeviceArray<float> x(counted<float>(32));
    gone = x.data();
    if (kRight) launch(copy_kernel, Grid{1, 32}, gone, y.data());
  }
  if (!kRight) launch(copy_kernel, Grid{1, 32}, gone, y.data());
  expect_right(y.values()[31] == 32);
}

}  // namespace

extern const SimtBug use_after_free;
constinit const SimtBug use_after_free{program<false>, program<true>};

}  // namespace cairn
