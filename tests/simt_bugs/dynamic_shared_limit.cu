// More dynamic shared memory than a kernel has by default.
// caught: a launch is refused: 65536 bytes of dynamic shared memory
// kernel: fill_kernel
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

__global__ void fill_kernel(float* y) {
  CAIRN_DYNAMIC_SHARED(float, tile);
  tile[threadIdx.x] = 1;
  y[threadIdx.x] = tile[threadIdx.x];
}

template <bool kRight>
void program() {
  constexpr int kBytes = 65536;
  const DeviceArray<float> y(32);
  if (kRight) {
    const auto kernel = reinterpret_cast<const void*>(fill_kernel);
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes));
  }
  launch(fill_kernel, Grid{1, 32, kBytes}, y.data());  // BUG
  expect_right(y.values()[31] == 1);
}

}  // namespace

extern const SimtBug dynamic_shared_limit;
constinit const SimtBug dynamic_shared_limit{program<false>, program<true>};

}  // namespace cairn
