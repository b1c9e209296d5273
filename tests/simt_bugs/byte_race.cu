// Threads write neighbouring bytes, which is no race, and read a neighbour's without a barrier,
// which is one. caught by checker: race: this kernel: mask_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

constexpr int kCount = 64;

template <bool kRight>
__global__ void mask_kernel(const float* x, unsigned char* mask, unsigned char* y) {
  const unsigned t = threadIdx.x;
  mask[t] = x[t] > 3;
  if constexpr (kRight) __syncthreads();
  y[t] = mask[t ^ 3u];  // BUG
}

template <bool kRight>
void program() {
  const DeviceArray<float> x(counted<float>(kCount));
  const DeviceArray<unsigned char> mask(kCount), y(kCount);
  launch(mask_kernel<kRight>, Grid{1, kCount}, x.data(), mask.data(), y.data());
  const std::vector<unsigned char> result = y.values();
  for (size_t i = 0; i < kCount; ++i) expect_right(result[i] == ((i ^ 3) + 1 > 3));
}

}  // namespace

extern const SimtBug byte_race;
constinit const SimtBug byte_race{program<false>, program<true>};

}  // namespace cairn
