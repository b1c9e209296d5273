// The threads of the same index write the same value in every block: an index that leaves out
// blockIdx. caught by checker: of another block kernel: fill_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
__global__ void fill_kernel(float* y) {
  const unsigned i = (kRight ? blockIdx.x * blockDim.x : 0) + threadIdx.x;
  y[i] = 1;  // BUG
}

template <bool kRight>
void program() {
  const DeviceArray<float> y(std::vector<float>(3 * 32, 1.0f));
  launch(fill_kernel<kRight>, Grid{3, 32}, y.data());
  for (const float value : y.values()) expect_right(value == 1);
}

}  // namespace

extern const SimtBug same_thread_of_blocks;
constinit const SimtBug same_thread_of_blocks{program<false>, program<true>};

}  // namespace cairn
