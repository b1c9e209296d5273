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
};

/// Most blocks along x of a grid-stride loop: 4096 fill every card several times over. With
/// CAIRN_CUDA_BLOCKS=2, say, tests make every loop go round.
int64_t most_blocks();

}  // namespace cairn
