// More rows of blocks than CUDA takes.
// caught: a launch is refused: a grid of 1 x 65536 x 1 blocks
// kernel: fill_kernel
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

__global__ void fill_kernel(float* y, unsigned rows) {
  for (unsigned row = blockIdx.y; row < rows; row += gridDim.y) y[row] = 1;
}

template <bool kRight>
void program() {
  const DeviceArray<float> y(65536);
  const dim3 grid(1, kRight ? grid_rows(65536) : 65536);
  launch(fill_kernel, Grid{grid, 1}, y.data(), 65536u);  // BUG
  expect_right(y.values()[65535] == 1);
}

}  // namespace

extern const SimtBug bad_grid;
constinit const SimtBug bad_grid{program<false>, program<true>};

}  // namespace cairn
