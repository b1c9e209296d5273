// Two copies from the same pinned memory: the host waits for the first of them alone.
// caught: the host writes to pinned memory that a copy to the device has yet to read
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
void program() {
  const OwnStream first, second;
  const DeviceArray<float> x(32), y(32);
  const PinnedArray host(32);
  volatile float* values = host.data();
  values[0] = 1;
  check(cudaMemcpyAsync(x.data(), host.data(), x.bytes(), cudaMemcpyHostToDevice, first));
  check(cudaMemcpyAsync(y.data(), host.data(), y.bytes(), cudaMemcpyHostToDevice, second));
  first.wait();
  if (kRight) second.wait();
  values[0] = 2;  // BUG
  second.wait();
  expect_right(x.values()[0] == 1 && y.values()[0] == 1);
}

}  // namespace

extern const SimtBug pinned_write_between;
constinit const SimtBug pinned_write_between{program<false>, program<true>};

}  // namespace cairn
