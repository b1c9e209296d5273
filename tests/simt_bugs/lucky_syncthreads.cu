// Missing __syncthreads at the end of a loop over tiles; the values are right all the same, since
// every tile holds the same ones. caught by checker: race: this writes kernel: sum_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

constexpr int kCount = 64, kTiles = 3;

template <bool kRight>
__global__ void sum_kernel(const float* x, float* y) {
  CAIRN_SHARED(float, tile, kCount);
  const unsigned t = threadIdx.x;
  float sum = 0;
  for (unsigned i = 0; i < kTiles; ++i) {
    tile[t] = x[i * kCount + t];  // BUG
    __syncthreads();
    sum += tile[(t + 1) % kCount];
    if constexpr (kRight) __syncthreads();
  }
  y[t] = sum;
}

template <bool kRight>
void program() {
  const DeviceArray<float> x(std::vector<float>(kCount * kTiles, 1.0f)), y(kCount);
  launch(sum_kernel<kRight>, Grid{1, kCount}, x.data(), y.data());
  for (const float sum : y.values()) expect_right(sum == kTiles);
}

}  // namespace

extern const SimtBug lucky_syncthreads;
constinit const SimtBug lucky_syncthreads{program<false>, program<true>};

}  // namespace cairn
