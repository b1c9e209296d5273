// An event that is recorded before the work that it should stand for: stale values.
// caught: wrong values
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

__global__ void fill_kernel(float* x) { x[threadIdx.x] = 2; }

template <bool kRight>
void program() {
  cudaStream_t blocking = nullptr;  // waits for the legacy stream, which waits for it
  check(cudaStreamCreate(&blocking));
  const OwnStream stream;
  const DeviceArray<float> x(std::vector<float>(32, 1.0f)), y(std::vector<float>(32, 1.0f));
  cudaEvent_t filled = nullptr;
  check(cudaEventCreateWithFlags(&filled, cudaEventDisableTiming));
  if (!kRight) check(cudaEventRecord(filled, stream));
  launch(fill_kernel, Grid{1, 32, 0, stream}, x.data());
  if (kRight) check(cudaEventRecord(filled, stream));
  check(cudaEventSynchronize(filled));
  launch(fill_kernel, Grid{1, 32, 0, blocking}, y.data());
  const bool right = x.values()[31] == 2 && y.values()[31] == 2;
  check(cudaEventDestroy(filled));
  check(cudaStreamDestroy(blocking));
  expect_right(right);  // BUG
}

}  // namespace

extern const SimtBug event_too_early;
constinit const SimtBug event_too_early{program<false>, program<true>};

}  // namespace cairn
