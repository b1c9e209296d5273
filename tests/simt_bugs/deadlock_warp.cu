// Some lanes of a warp wait for all of it, the others at the block's barrier.
// caught: deadlock:
// kernel: vote_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
__global__ void vote_kernel(int* y) {
  const unsigned t = threadIdx.x;
  int votes = 1;
  if (kRight || t < 16) votes = __any_sync(0xffffffffu, t == 3);  // BUG
  __syncthreads();
  y[t] = votes;
}

template <bool kRight>
void program() {
  const DeviceArray<int> y(32);
  launch(vote_kernel<kRight>, Grid{1, 32}, y.data());
  expect_right(y.values()[31] == 1);
}

}  // namespace

extern const SimtBug deadlock_warp;
constinit const SimtBug deadlock_warp{program<false>, program<true>};

}  // namespace cairn
