// The mask of a warp-wide function names 32 lanes, and the block has 20 threads.
// caught: names lanes that the block doesn't have
// kernel: vote_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
__global__ void vote_kernel(unsigned* y) {
  const unsigned t = threadIdx.x;
  const unsigned mask = kRight ? 0xfffffu : 0xffffffffu;
  y[t] = __ballot_sync(mask, 1);  // BUG
}

template <bool kRight>
void program() {
  const DeviceArray<unsigned> y(20);
  launch(vote_kernel<kRight>, Grid{1, 20}, y.data());
  expect_right(y.values()[19] == 0xfffffu);
}

}  // namespace

extern const SimtBug mask_beyond_block;
constinit const SimtBug mask_beyond_block{program<false>, program<true>};

}  // namespace cairn
