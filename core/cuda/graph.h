// A stream's work, captured as a CUDA graph.
#pragma once

#include "core/cuda/handle.h"
#include "core/device.h"

namespace cairn {

/// Enqueues again, in one call, what was enqueued once. Kernel arguments stay as they were, so they
/// must be addresses that live as long and numbers that don't depend on the step.
class CudaReplay : public Replay {
 public:
  /// Calls enqueue(context) while `stream` is captured: nothing runs yet. Throws what that throws,
  /// and where something in it can't be captured, such as an allocation or a wait.
  CudaReplay(cudaStream_t stream, void (*enqueue)(void*), void* context);
  ~CudaReplay() override;

  void run() override;
  int64_t launches() const override { return launches_; }

 private:
  cudaStream_t stream_;
  int64_t launches_ = 0;
  Handle<cudaGraphExec_t, cudaGraphExecDestroy> graph_;
};

}  // namespace cairn
