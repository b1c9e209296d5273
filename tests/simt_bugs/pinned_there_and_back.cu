// Copies that follow one another through pinned memory, which the host then reads too early.
// caught: the host touches pinned memory that a copy from the device has yet to fill
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
void program() {
  const OwnStream stream;
  const DeviceArray<float> x(counted<float>(32)), y(32);
  const PinnedArray host(64);
  volatile float* values = host.data();
  values[40] = 3;
  check(cudaMemcpyAsync(host.data(), x.data(), x.bytes(), cudaMemcpyDeviceToHost, stream));
  check(cudaMemcpyAsync(y.data(), host.data(), y.bytes(), cudaMemcpyHostToDevice, stream));
  stream.wait();
  check(cudaMemcpyAsync(y.data(), host.data() + 32, y.bytes(), cudaMemcpyHostToDevice, stream));
  check(cudaMemcpyAsync(host.data(), y.data(), y.bytes(), cudaMemcpyDeviceToHost, stream));
  if (kRight) {
    expect_right(values[40] == 3);  // only read by a copy, on a page that another copy fills
    stream.wait();
  }
  expect_right(values[8] == 3);  // BUG
}

}  // namespace

extern const SimtBug pinned_there_and_back;
constinit const SimtBug pinned_there_and_back{program<false>, program<true>};

}  // namespace cairn
