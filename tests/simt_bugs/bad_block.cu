// A block of more than 1024 threads.
// caught: a launch is refused: a block of 2048 x 1 x 1 threads
// kernel: fill_kernel
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

__global__ void fill_kernel(float* y) { y[blockIdx.x * blockDim.x + threadIdx.x] = 1; }

template <bool kRight>
void program() {
  const DeviceArray<float> y(2048);
  launch(fill_kernel, kRight ? Grid{2, 1024} : Grid{1, 2048}, y.data());
  expect_right(y.values()[2047] == 1);
}

}  // namespace

extern const SimtBug bad_block;
constinit const SimtBug bad_block{program<false>, program<true>};

}  // namespace cairn
