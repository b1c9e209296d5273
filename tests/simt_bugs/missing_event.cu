// Two streams and no event between the writer and the reader: stale values.
// caught: wrong values
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

__global__ void fill_kernel(float* x) { x[threadIdx.x] = 2; }
__global__ void twice_kernel(const float* x, float* y) { y[threadIdx.x] = 2 * x[threadIdx.x]; }

template <bool kRight>
void program() {
  const OwnStream first, second;
  const DeviceArray<float> x(std::vector<float>(32, 1.0f)), y(32);
  cudaEvent_t filled = nullptr;
  check(cudaEventCreateWithFlags(&filled, cudaEventDisableTiming));
  launch(fill_kernel, Grid{1, 32, 0, first}, x.data());
  check(cudaEventRecord(filled, first));
  if (kRight) check(cudaStreamWaitEvent(second, filled, 0));
  launch(twice_kernel, Grid{1, 32, 0, second}, x.data(), y.data());
  second.wait();
  check(cudaEventDestroy(filled));
  expect_right(y.values()[31] == 4);  // BUG
}

}  // namespace

extern const SimtBug missing_event;
constinit const SimtBug missing_event{program<false>, program<true>};

}  // namespace cairn
