// What a *_cuda function is given to enqueue its work with.
#pragma once

#include <cuda_runtime.h>

namespace cairn {

class Cublas;
class ConvChooser;

/// The device's one compute stream and the libraries that run on it. A *_cuda function only
/// enqueues: it never allocates, synchronises or reads device values.
struct CudaContext {
  cudaStream_t stream = nullptr;
  Cublas* cublas = nullptr;
  ConvChooser* conv = nullptr;
  unsigned* blocks_done =
      nullptr;  // on the device, zero between kernels (core/cuda/last_block.cuh)
};

}  // namespace cairn
