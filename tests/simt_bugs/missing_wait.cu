// The host copies on one stream what another has yet to compute: stale values.
// caught: wrong values
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

__global__ void fill_kernel(float* x) { x[threadIdx.x] = 2; }

template <bool kRight>
void program() {
  const OwnStream stream;
  const DeviceArray<float> x(std::vector<float>(32, 1.0f));
  launch(fill_kernel, Grid{1, 32, 0, stream}, x.data());
  if (kRight) stream.wait();
  expect_right(x.values()[31] == 2);  // BUG
}

}  // namespace

extern const SimtBug missing_wait;
constinit const SimtBug missing_wait{program<false>, program<true>};

}  // namespace cairn
