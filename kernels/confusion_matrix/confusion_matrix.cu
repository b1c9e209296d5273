// On CUDA a batch is one slice: feature k of example n lies at k N + n.
#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/confusion_matrix/confusion_matrix.h"

namespace cairn {
namespace {

__device__ int64_t argmax(const float* x, int64_t classes, int64_t n) {
  int64_t largest = 0;
  float best = x[0];
  for (int64_t k = 1; k < classes; ++k)
    if (x[k * n] > best) best = x[k * n], largest = k;
  return largest;
}

// A block counts a true class at a time, in tiles of as many examples as it has threads: a thread
// finds the predicted class of its example, then counts predicted classes t, t + blockDim, ... in
// the tile. Each block reads all labels, and the logits of its own examples.
__global__ void confusion_matrix_kernel(const float* x, const int32_t* labels,  // (K,N), (N)
                                        const StepState* step, float* counts, int64_t classes,
                                        int64_t n) {
  CAIRN_SHARED(int64_t, predicted, kThreads);
  const int64_t valid = step->valid_lanes(0, n);
  for (const int64_t label : block_stride(classes))
    for (int64_t first = 0; first < valid; first += kThreads) {
      const int64_t i = first + threadIdx.x;
      const bool mine = i < valid && labels[i] == label;
      predicted[threadIdx.x] = mine ? argmax(x + i, classes, n) : -1;
      __syncthreads();
      for (int64_t k = threadIdx.x; k < classes; k += kThreads) {
        int hits = 0;
        for (int j = 0; j < kThreads; ++j) hits += predicted[j] == k;
        counts[label * classes + k] += static_cast<float>(hits);
      }
      __syncthreads();
    }
}

}  // namespace

void confusion_matrix_cuda(const Args& args, CudaContext& context) {
  const Tensor& x = args.in[0];
  launch(confusion_matrix_kernel,
         {.grid = blocks_for(x.features, 1), .block = kThreads, .stream = context.stream},
         x.as<float>(), args.in[1].as<int32_t>(), args.step, args.out[0].as<float>(), x.features,
         x.batch.width);
}

}  // namespace cairn
