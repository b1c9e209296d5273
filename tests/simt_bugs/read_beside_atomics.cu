// A plain read of a sum that other threads still add to: the barrier between is missing.
// caught by checker: race: this
// kernel: count_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

constexpr int kCount = 64;

template <bool kRight>
__global__ void count_kernel(int* result) {
  CAIRN_SHARED(int, total, 1);
  if (threadIdx.x == 0) total[0] = 0;
  __syncthreads();
  atomicAdd(&total[0], 1);
  if constexpr (kRight) __syncthreads();
  if (threadIdx.x == 0) *result = total[0];  // BUG
}

template <bool kRight>
void program() {
  const DeviceArray<int> result(1);
  launch(count_kernel<kRight>, Grid{1, kCount}, result.data());
  expect_right(result.values()[0] == kCount);
}

}  // namespace

extern const SimtBug read_beside_atomics;
constinit const SimtBug read_beside_atomics{program<false>, program<true>};

}  // namespace cairn
