// A stream, an event and pinned memory that are never given back.
// caught: there are still 1 pinned allocation, 1 stream, 1 event
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
void program() {
  void* data = nullptr;
  cudaStream_t stream = nullptr;
  cudaEvent_t event = nullptr;
  check(cudaMallocHost(&data, 400));
  check(cudaStreamCreate(&stream));
  check(cudaEventCreate(&event));
  if (!kRight) return;
  check(cudaEventDestroy(event));
  check(cudaStreamDestroy(stream));
  check(cudaFreeHost(data));
}

}  // namespace

extern const SimtBug leaked_handles;
constinit const SimtBug leaked_handles{program<false>, program<true>};

}  // namespace cairn
