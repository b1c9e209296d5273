#include "core/cuda/graph.h"

namespace cairn {
namespace {

using CapturedGraph = Handle<cudaGraph_t, cudaGraphDestroy>;

CapturedGraph end_capture(cudaStream_t stream) {
  cudaGraph_t graph = nullptr;
  const cudaError_t result = cudaStreamEndCapture(stream, &graph);
  CapturedGraph captured(graph);
  check(result);
  return captured;
}

CapturedGraph capture(cudaStream_t stream, void (*enqueue)(void*), void* context) {
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  try {
    enqueue(context);
  } catch (...) {
    cudaGraph_t unfinished = nullptr;
    static_cast<void>(cudaStreamEndCapture(stream, &unfinished));  // the first error is told
    static_cast<void>(cudaGetLastError());
    const CapturedGraph dropped(unfinished);
    throw;
  }
  return end_capture(stream);
}

}  // namespace

CudaReplay::CudaReplay(cudaStream_t stream, void (*enqueue)(void*), void* context)
    : stream_(stream) {
  const CapturedGraph captured = capture(stream, enqueue, context);
  size_t nodes = 0;
  check(cudaGraphGetNodes(captured.get(), nullptr, &nodes));
  launches_ = static_cast<int64_t>(nodes);
  cudaGraphExec_t graph = nullptr;
  check(cudaGraphInstantiate(&graph, captured.get(), 0));
  graph_ = Handle<cudaGraphExec_t, cudaGraphExecDestroy>(graph);
}

CudaReplay::~CudaReplay() {
  log_failure(cudaStreamSynchronize(stream_), "work on the CUDA device");
}

void CudaReplay::run() { check(cudaGraphLaunch(graph_.get(), stream_)); }

}  // namespace cairn
