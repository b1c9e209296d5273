// The mask of a sum over a warp names a lane that has left the kernel.
// caught: has left the kernel, but the mask of a warp-wide function names it
// kernel: sum_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
__global__ void sum_kernel(const unsigned* x, unsigned* y, unsigned count) {
  const unsigned t = threadIdx.x;
  if (!kRight && t >= count) return;
  const unsigned sum = __reduce_add_sync(0xffffffffu, t < count ? x[t] : 0);  // BUG
  if (t == 0) *y = sum;
}

template <bool kRight>
void program() {
  const DeviceArray<unsigned> x(std::vector<unsigned>(32, 1)), y(1);
  launch(sum_kernel<kRight>, Grid{1, 32}, x.data(), y.data(), 20u);
  expect_right(y.values()[0] == 20);
}

}  // namespace

extern const SimtBug exited_lane;
constinit const SimtBug exited_lane{program<false>, program<true>};

}  // namespace cairn
