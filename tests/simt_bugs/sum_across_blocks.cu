// Blocks add to one value without an atomic operation.
// caught by checker: of another block
// kernel: count_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
__global__ void count_kernel(int* total) {
  if (threadIdx.x > 0) return;
  if constexpr (kRight) {
    atomicAdd(total, 1);
  } else {
    *total += 1;  // BUG
  }
}

template <bool kRight>
void program() {
  const DeviceArray<int> total(std::vector<int>(1, 0));
  launch(count_kernel<kRight>, Grid{5, 32}, total.data());
  expect_right(total.values()[0] == 5);
}

}  // namespace

extern const SimtBug sum_across_blocks;
constinit const SimtBug sum_across_blocks{program<false>, program<true>};

}  // namespace cairn
