// A kernel is given a pointer to the host's memory.
// caught: argument 0 is a pointer to host memory
// kernel: fill_kernel
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

__global__ void fill_kernel(float* y) { y[threadIdx.x] = 1; }

template <bool kRight>
void program() {
  std::vector<float> host(32);
  const DeviceArray<float> device(32);
  launch(fill_kernel, Grid{1, 32}, kRight ? device.data() : host.data());  // BUG
  expect_right(device.values()[31] == 1);
}

}  // namespace

extern const SimtBug host_pointer;
constinit const SimtBug host_pointer{program<false>, program<true>};

}  // namespace cairn
