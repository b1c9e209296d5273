// Missing __syncthreads between writing and reading shared memory: the values come out wrong.
// caught by checker: race: this
// caught: wrong values
// kernel: reverse_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

constexpr int kCount = 64;

template <bool kRight>
__global__ void reverse_kernel(const float* x, float* y) {
  CAIRN_SHARED(float, tile, kCount);
  const unsigned t = threadIdx.x;
  tile[t] = 0;
  __syncthreads();
  tile[t] = x[t];
  if constexpr (kRight) __syncthreads();
  y[t] = tile[kCount - 1 - t];  // BUG
}

template <bool kRight>
void program() {
  const DeviceArray<float> x(counted<float>(kCount)), y(kCount);
  launch(reverse_kernel<kRight>, Grid{1, kCount}, x.data(), y.data());
  const std::vector<float> result = y.values();
  for (int i = 0; i < kCount; ++i)
    expect_right(result[static_cast<size_t>(i)] == kCount - static_cast<float>(i));
}

}  // namespace

extern const SimtBug missing_syncthreads;
constinit const SimtBug missing_syncthreads{program<false>, program<true>};

}  // namespace cairn
