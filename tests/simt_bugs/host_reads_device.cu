// The host reads device memory.
// caught: the host touches device memory
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
void program() {
  const DeviceArray<float> x(counted<float>(32));
  if (kRight) return expect_right(x.values()[31] == 32);
  const volatile float* device = x.data();
  expect_right(device[31] == 32);  // BUG
}

}  // namespace

extern const SimtBug host_reads_device;
constinit const SimtBug host_reads_device{program<false>, program<true>};

}  // namespace cairn
