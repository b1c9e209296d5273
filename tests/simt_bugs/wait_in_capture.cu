// A stream is waited for while it is captured.
// caught: a call that waits while a stream is captured
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

__global__ void fill_kernel(float* x) { x[threadIdx.x] = 2; }

template <bool kRight>
void program() {
  const OwnStream stream;
  const DeviceArray<float> x(std::vector<float>(32, 1.0f));
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  launch(fill_kernel, Grid{1, 32, 0, stream}, x.data());
  if (!kRight) check(cudaStreamSynchronize(stream));  // BUG
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  check(cudaStreamEndCapture(stream, &graph));
  check(cudaGraphInstantiate(&executable, graph, 0));
  check(cudaGraphLaunch(executable, stream));
  stream.wait();
  check(cudaGraphExecDestroy(executable));
  check(cudaGraphDestroy(graph));
  expect_right(x.values()[31] == 2);
}

}  // namespace

extern const SimtBug wait_in_capture;
constinit const SimtBug wait_in_capture{program<false>, program<true>};

}  // namespace cairn
