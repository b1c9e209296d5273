// Each thread takes a lock, and none gives it back.
// caught: deadlock:
// kernel: add_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
__global__ void add_kernel(int* locked, int* sum) {
  while (atomicCAS(locked, 0, 1) != 0) continue;  // BUG
  atomicAdd(sum, 1);
  if constexpr (kRight) atomicExch(locked, 0);
}

template <bool kRight>
void program() {
  const DeviceArray<int> locked(std::vector<int>(1, 0)), sum(std::vector<int>(1, 0));
  launch(add_kernel<kRight>, Grid{1, 32}, locked.data(), sum.data());
  expect_right(sum.values()[0] == 32);
}

}  // namespace

extern const SimtBug deadlock_lock;
constinit const SimtBug deadlock_lock{program<false>, program<true>};

}  // namespace cairn
