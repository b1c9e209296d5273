// A kernel writes behind the end of an array in shared memory, where another array follows.
// caught by checker: outside of the block's arrays in shared memory
// caught by asan: index 64 out of bounds
// kernel: halo_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

constexpr unsigned kCount = 64;

template <bool kRight>
__global__ void halo_kernel(const float* x, float* y) {
  CAIRN_SHARED(float, tile, kCount + kRight);
  CAIRN_SHARED(float, others, kCount);
  const unsigned t = threadIdx.x;
  others[t] = x[t];
  tile[t + 1] = x[t];  // BUG
  if (t == 0) tile[0] = 0;
  __syncthreads();
  y[t] = tile[t] + others[t];
}

template <bool kRight>
void program() {
  const DeviceArray<float> x(counted<float>(kCount)), y(kCount);
  launch(halo_kernel<kRight>, Grid{1, kCount}, x.data(), y.data());
  expect_right(y.values()[5] == 11);
}

}  // namespace

extern const SimtBug out_of_bounds_shared;
constinit const SimtBug out_of_bounds_shared{program<false>, program<true>};

}  // namespace cairn
