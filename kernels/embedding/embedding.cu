// On CUDA a batch is one slice: element d of place f of example n lies at (f D + d) N + n.
#include <cmath>

#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/embedding/embedding.h"

namespace cairn {
namespace {

// One thread an element of y, coalesced along the batch but for weight: 8 bytes read, 4 written.
__global__ void embedding_kernel(const float* weight, const int32_t* index, float* y, int64_t rows,
                                 int64_t size, int64_t width, int64_t n) {
  for (const int64_t i : grid_stride(n)) {
    const int64_t d = i / width % size, f = i / width / size;
    const int64_t row = index[f * width + i % width];
    y[i] = row >= 0 && row < rows ? weight[row * size + d] : NAN;
  }
}

// A block adds up one row of dweight at a time: it looks through the indices, as many at once as it
// has threads, and where one is the row's, thread t adds elements t, t + blockDim, ... of dy in the
// order of the indices. Each row reads all indices, and dy is read once.
__global__ void embedding_grad_kernel(const float* dy, const int32_t* index, const StepState* step,
                                      int64_t first, float* dweight, int64_t rows, int64_t size,
                                      int64_t width, int64_t count) {
  CAIRN_SHARED(bool, mine, kThreads);
  const int64_t valid = step->valid_lanes(first, width);
  for (const int64_t row : block_stride(rows))
    for (int64_t begin = 0; begin < count; begin += kThreads) {
      const int64_t i = begin + threadIdx.x;
      const bool found = i < count && i % width < valid && index[i] == row;
      mine[threadIdx.x] = found;
      if (__syncthreads_or(found))
        for (int64_t d = threadIdx.x; d < size; d += kThreads)
          for (int64_t k = 0; k < kThreads; ++k)
            if (mine[k]) {
              const int64_t place = (begin + k) / width * size + d;
              dweight[row * size + d] += dy[place * width + (begin + k) % width];
            }
      __syncthreads();
    }
}

}  // namespace

void embedding_cuda(const Args& args, CudaContext& context) {
  const Tensor &weight = args.in[0], &y = args.out[0];
  launch(embedding_kernel,
         {.grid = blocks_for(y.elements()), .block = kThreads, .stream = context.stream},
         weight.as<float>(), args.in[1].as<int32_t>(), y.as<float>(), weight.shape[0],
         weight.shape[1], y.batch.width, y.elements());
}

void embedding_grad_cuda(const Args& args, CudaContext& context) {
  const Tensor &dy = args.in[0], &index = args.in[1], &dweight = args.out[0];
  launch(embedding_grad_kernel,
         {.grid = blocks_for(dweight.shape[0], 1), .block = kThreads, .stream = context.stream},
         dy.as<float>(), index.as<int32_t>(), args.step, args.first, dweight.as<float>(),
         dweight.shape[0], dweight.shape[1], dy.batch.width, index.elements());
}

}  // namespace cairn
