// Work that follows a kernel that failed must not run, nor say more.
// caught: has left the kernel
// kernel: early_kernel
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

__global__ void early_kernel(unsigned count) {
  if (threadIdx.x >= count) return;
  __syncthreads();  // BUG
}

template <bool kRight>
void program() {
  const OwnStream stream;
  const PinnedArray host(32);
  const DeviceArray<float> x(counted<float>(32));
  launch(early_kernel, Grid{1, 32, 0, stream}, kRight ? 32u : 7u);
  check(cudaMemcpyAsync(host.data(), x.data(), x.bytes(), cudaMemcpyDeviceToHost, stream));
  const cudaError_t result = cudaStreamSynchronize(stream);
  volatile float* values = host.data();
  if (!kRight) values[31] = 1;  // free to be touched, filled or not
  check(result);
  expect_right(values[31] == 32);
}

}  // namespace

extern const SimtBug sticky_error;
constinit const SimtBug sticky_error{program<false>, program<true>};

}  // namespace cairn
