// A block reads shared memory that only the block before it has set.
// caught by checker: uninitialised shared memory
// caught: wrong values
// kernel: count_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
__global__ void count_kernel(float* y) {
  CAIRN_SHARED(float, counts, 32);
  if (kRight || blockIdx.x == 0) counts[threadIdx.x] = 0;
  counts[threadIdx.x] += 1;  // BUG
  y[blockIdx.x * blockDim.x + threadIdx.x] = counts[threadIdx.x];
}

template <bool kRight>
void program() {
  const DeviceArray<float> y(3 * 32);
  launch(count_kernel<kRight>, Grid{3, 32}, y.data());
  for (const float value : y.values()) expect_right(value == 1);
}

}  // namespace

extern const SimtBug uninitialised_shared;
constinit const SimtBug uninitialised_shared{program<false>, program<true>};

}  // namespace cairn
