// The last of some blocks adds up what the others wrote, but nothing orders what they wrote before
// the count that they pass on: the values are right all the same.
// caught by checker: of another block wrote
// kernel: sum_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

constexpr int kBlocks = 5, kCount = 64;

template <bool kRight>
__global__ void sum_kernel(const float* x, float* parts, unsigned* done, float* total) {
  CAIRN_SHARED(bool, is_last, 1);
  parts[blockIdx.x * kCount + threadIdx.x] = 2 * x[blockIdx.x * kCount + threadIdx.x];
  __syncthreads();
  if (threadIdx.x == 0) {
    if constexpr (kRight) __threadfence();
    is_last[0] = atomicInc(done, kBlocks - 1) == kBlocks - 1;
    __threadfence();
  }
  __syncthreads();
  if (!is_last[0] || threadIdx.x > 0) return;
  float sum = 0;
  for (int i = 0; i < kBlocks * kCount; ++i) sum += parts[i];  // BUG
  *total = sum;
}

template <bool kRight>
void program() {
  const DeviceArray<float> x(std::vector<float>(kBlocks * kCount, 1.0f)), parts(kBlocks * kCount),
      total(1);
  const DeviceArray<unsigned> done(std::vector<unsigned>(1, 0));
  for (int i = 0; i < 2; ++i) {
    launch(sum_kernel<kRight>, Grid{kBlocks, kCount}, x.data(), parts.data(), done.data(),
           total.data());
    expect_right(total.values()[0] == 2 * kBlocks * kCount);
  }
}

}  // namespace

extern const SimtBug missing_threadfence;
constinit const SimtBug missing_threadfence{program<false>, program<true>};

}  // namespace cairn
