// The host writes to device memory.
// caught: the host touches device memory
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
void program() {
  const DeviceArray<float> x(counted<float>(32));
  if (kRight) {
    check(cudaMemset(x.data(), 0, x.bytes()));
  } else {
    volatile float* device = x.data();
    device[31] = 0;  // BUG
  }
  expect_right(x.values()[31] == 0);
}

}  // namespace

extern const SimtBug host_writes_device;
constinit const SimtBug host_writes_device{program<false>, program<true>};

}  // namespace cairn
