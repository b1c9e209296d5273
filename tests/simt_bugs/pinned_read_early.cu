// The host reads pinned memory before the copy that fills it is done.
// caught: the host touches pinned memory that a copy from the device has yet to fill
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
void program() {
  const OwnStream stream;
  const DeviceArray<float> x(counted<float>(32));
  const PinnedArray host(32);
  check(cudaMemcpyAsync(host.data(), x.data(), x.bytes(), cudaMemcpyDeviceToHost, stream));
  if (kRight) stream.wait();
  const volatile float* last = host.data() + 31;
  expect_right(*last == 32);  // BUG
}

}  // namespace

extern const SimtBug pinned_read_early;
constinit const SimtBug pinned_read_early{program<false>, program<true>};

}  // namespace cairn
