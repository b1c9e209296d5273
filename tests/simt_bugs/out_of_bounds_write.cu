// A grid that is rounded up to whole blocks, and no bound in the kernel.
// caught by checker: writes 4 bytes:
// caught by asan: AddressSanitizer: use-after-poison
// kernel: fill_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
__global__ void fill_kernel(float* y, unsigned count) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (kRight && i >= count) return;
  y[i] = 2;  // BUG
}

template <bool kRight>
void program() {
  const DeviceArray<float> y(50);
  launch(fill_kernel<kRight>, Grid{2, 32}, y.data(), 50u);
  for (const float value : y.values()) expect_right(value == 2);
}

}  // namespace

extern const SimtBug out_of_bounds_write;
constinit const SimtBug out_of_bounds_write{program<false>, program<true>};

}  // namespace cairn
