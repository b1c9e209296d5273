// A pointer to the host's memory within an argument.
// caught by checker: writes 4 bytes: host memory
// kernel: fill_kernel
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

struct Target {
  float* data;
  int count;
};

__global__ void fill_kernel(Target y) {
  y.data[threadIdx.x] = 1;  // BUG
}

template <bool kRight>
void program() {
  std::vector<float> host(32);
  const DeviceArray<float> device(32);
  launch(fill_kernel, Grid{1, 32}, Target{kRight ? device.data() : host.data(), 32});
  expect_right(device.values()[31] == 1);
}

}  // namespace

extern const SimtBug host_pointer_in_struct;
constinit const SimtBug host_pointer_in_struct{program<false>, program<true>};

}  // namespace cairn
