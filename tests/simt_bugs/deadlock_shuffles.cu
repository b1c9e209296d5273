// The two sides of a branch call one shuffle each, and both name the whole warp.
// caught: deadlock:
// kernel: swap_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
__global__ void swap_kernel(int* y) {
  const int t = static_cast<int>(threadIdx.x);
  int other = 0;
  if (kRight || t < 16) {
    other = __shfl_xor_sync(0xffffffffu, t, 16);  // BUG
  } else {
    other = __shfl_xor_sync(0xffffffffu, t, 16);
  }
  y[t] = other;
}

template <bool kRight>
void program() {
  const DeviceArray<int> y(32);
  launch(swap_kernel<kRight>, Grid{1, 32}, y.data());
  expect_right(y.values()[31] == 15);
}

}  // namespace

extern const SimtBug deadlock_shuffles;
constinit const SimtBug deadlock_shuffles{program<false>, program<true>};

}  // namespace cairn
