// A thread waits in a loop for a flag that no other sets.
// caught by checker: deadlock: a loop waits for another thread
// kernel: wait_kernel<false>
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
__global__ void wait_kernel(const int* flags, int* y) {
  const volatile int* flag = flags + !kRight;
  if (threadIdx.x == 3)
    while (*flag == 0) continue;  // BUG
  y[threadIdx.x] = 1;
}

template <bool kRight>
void program() {
  const DeviceArray<int> flags(std::vector<int>{1, 0}), y(32);
  launch(wait_kernel<kRight>, Grid{1, 32}, flags.data(), y.data());
  expect_right(y.values()[3] == 1);
}

}  // namespace

extern const SimtBug deadlock_flag;
constinit const SimtBug deadlock_flag{program<false>, program<true>};

}  // namespace cairn
