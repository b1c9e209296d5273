// One block overwrites, behind a barrier of its own, what other blocks still read.
// caught by checker: of another block
// kernel: scale_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
__global__ void scale_kernel(const float* factor, float* next, float* y) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = *factor * 2;  // BUG
  __syncthreads();
  if (blockIdx.x == 2 && threadIdx.x == 7) *next = 5;
}

template <bool kRight>
void program() {
  const DeviceArray<float> factor(std::vector<float>(1, 3.0f)), other(1), y(4 * 64);
  launch(scale_kernel<kRight>, Grid{4, 64}, factor.data(), kRight ? other.data() : factor.data(),
         y.data());
  if (!kRight) return wait_for_device();
  for (const float value : y.values()) expect_right(value == 6);
}

}  // namespace

extern const SimtBug write_after_read_of_block;
constinit const SimtBug write_after_read_of_block{program<false>, program<true>};

}  // namespace cairn
