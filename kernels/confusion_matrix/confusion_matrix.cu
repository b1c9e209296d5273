// On CUDA a batch is one slice: feature k of example n lies at k N + n.
#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/confusion_matrix/confusion_matrix.h"

namespace cairn {
namespace {

// A block counts one true class: threads take examples t, t + blockDim, ..., whole numbers are
// added in shared memory (exact in any order). Each block reads all labels, and the logits of its
// own examples.
__global__ void confusion_matrix_kernel(const float* x, const int32_t* labels,  // (K,N), (N)
                                        const StepState* step, float* counts, int64_t classes,
                                        int64_t n) {
  extern __shared__ int row[];
  for (int64_t k = threadIdx.x; k < classes; k += blockDim.x) row[k] = 0;
  __syncthreads();
  for (int64_t i = threadIdx.x; i < n && i < step->n_valid; i += blockDim.x) {
    if (labels[i] != static_cast<int32_t>(blockIdx.x)) continue;
    int64_t largest = 0;
    for (int64_t k = 1; k < classes; ++k)
      if (x[k * n + i] > x[largest * n + i]) largest = k;
    atomicAdd(&row[largest], 1);
  }
  __syncthreads();
  for (int64_t k = threadIdx.x; k < classes; k += blockDim.x)
    counts[blockIdx.x * classes + k] += static_cast<float>(row[k]);
}

}  // namespace

void confusion_matrix_cuda(const Args& args, CudaContext& context) {
  const Tensor& x = args.in[0];
  const auto classes = static_cast<unsigned>(x.features);
  launch(
      confusion_matrix_kernel,
      {.grid = classes, .block = kThreads, .smem = classes * sizeof(int), .stream = context.stream},
      x.as<float>(), args.in[1].as<int32_t>(), args.step, args.out[0].as<float>(), x.features,
      x.batch.width);
}

}  // namespace cairn
