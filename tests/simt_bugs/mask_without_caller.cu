// A lane calls a warp-wide function with a mask that leaves it out.
// caught: leaves out the thread that calls it
// kernel: vote_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
__global__ void vote_kernel(unsigned* y) {
  const unsigned t = threadIdx.x;
  const unsigned mask = kRight ? 0xffffffffu : 0xffffu;
  y[t] = __ballot_sync(mask, t % 2);  // BUG
}

template <bool kRight>
void program() {
  const DeviceArray<unsigned> y(32);
  launch(vote_kernel<kRight>, Grid{1, 32}, y.data());
  expect_right(y.values()[31] == 0xaaaaaaaau);
}

}  // namespace

extern const SimtBug mask_without_caller;
constinit const SimtBug mask_without_caller{program<false>, program<true>};

}  // namespace cairn
