// Missing __syncwarp between the lanes of one warp.
// caught by checker: race: this
// caught: wrong values
// kernel: swap_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

constexpr int kCount = 64;

template <bool kRight>
__global__ void swap_kernel(const float* x, float* y) {
  CAIRN_SHARED(float, tile, kCount);
  const unsigned t = threadIdx.x;
  tile[t] = 0;
  __syncthreads();
  tile[t] = x[t];
  if constexpr (kRight) __syncwarp();
  y[t] = tile[t ^ 31u];  // BUG
}

template <bool kRight>
void program() {
  const DeviceArray<float> x(counted<float>(kCount)), y(kCount);
  launch(swap_kernel<kRight>, Grid{1, kCount}, x.data(), y.data());
  const std::vector<float> result = y.values();
  for (size_t i = 0; i < kCount; ++i) expect_right(result[i] == static_cast<float>((i ^ 31) + 1));
}

}  // namespace

extern const SimtBug missing_syncwarp;
constinit const SimtBug missing_syncwarp{program<false>, program<true>};

}  // namespace cairn
