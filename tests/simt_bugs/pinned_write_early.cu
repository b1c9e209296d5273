// The host fills pinned memory anew while a copy still needs what it held.
// caught: the host writes to pinned memory that a copy to the device has yet to read
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
void program() {
  const OwnStream stream;
  const DeviceArray<float> x(32);
  const PinnedArray host(32);
  volatile float* values = host.data();
  values[0] = 1;
  check(cudaMemcpyAsync(x.data(), host.data(), x.bytes(), cudaMemcpyHostToDevice, stream));
  if (kRight) stream.wait();
  values[0] = 2;  // BUG
  stream.wait();
  expect_right(x.values()[0] == 1);
}

}  // namespace

extern const SimtBug pinned_write_early;
constinit const SimtBug pinned_write_early{program<false>, program<true>};

}  // namespace cairn
