// A call fails and nobody looks.
// caught: unchecked error: cudaMemcpyAsync returned cudaErrorInvalidResourceHandle
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
void program() {
  cudaStream_t stream = nullptr;
  check(cudaStreamCreate(&stream));
  const DeviceArray<float> x(32), y(32);
  if (!kRight) check(cudaStreamDestroy(stream));
  static_cast<void>(
      cudaMemcpyAsync(y.data(), x.data(), x.bytes(), cudaMemcpyDeviceToDevice, stream));
  if (kRight) check(cudaStreamDestroy(stream));
}

}  // namespace

extern const SimtBug unchecked_error;
constinit const SimtBug unchecked_error{program<false>, program<true>};

}  // namespace cairn
