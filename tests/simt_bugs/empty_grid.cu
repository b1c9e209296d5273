// A grid without blocks, for an array without elements.
// caught: a launch is refused: a grid of 0 x 1 x 1 blocks
// kernel: fill_kernel
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

__global__ void fill_kernel(float* y, unsigned count) {
  if (threadIdx.x < count) y[threadIdx.x] = 1;
}

template <bool kRight>
void program() {
  const DeviceArray<float> y(1);
  const dim3 blocks = kRight ? blocks_for(0) : dim3(0);
  launch(fill_kernel, Grid{blocks, 32}, y.data(), 0u);  // BUG
  wait_for_device();
}

}  // namespace

extern const SimtBug empty_grid;
constinit const SimtBug empty_grid{program<false>, program<true>};

}  // namespace cairn
