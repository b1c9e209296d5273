// On CUDA a batch is one slice: element d of place f of example n lies at (f D + d) N + n.
#include <cmath>

#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/embedding/embedding.h"

namespace cairn {
namespace {

constexpr int kTile = 32, kTileRows = 8;

// A block of 32 x 8 threads carries 32 elements of the rows of 32 places, neighbours along the
// batch, through shared memory: read along the rows, written along the batch. 4 bytes read and 4
// written an element, and 4 a place.
__global__ void embedding_kernel(const float* weight, const int32_t* index, float* y, int64_t rows,
                                 int64_t size, int64_t width, int64_t places, int64_t tiles) {
  CAIRN_SHARED(float, tile, kTile*(kTile + 1));
  const int64_t along = (size + kTile - 1) / kTile;
  for (const int64_t t : block_stride(tiles)) {
    const int64_t d0 = t % along * kTile, i0 = t / along * kTile, d = d0 + threadIdx.x;
    for (int64_t k = threadIdx.y; k < kTile && i0 + k < places; k += kTileRows) {
      const int64_t row = index[i0 + k];
      if (d < size)
        tile[k * (kTile + 1) + threadIdx.x] = row >= 0 && row < rows ? weight[row * size + d] : NAN;
    }
    __syncthreads();
    const int64_t i = i0 + threadIdx.x, f = i / width;
    for (int64_t k = threadIdx.y; k < kTile && d0 + k < size; k += kTileRows)
      if (i < places)
        y[(f * size + d0 + k) * width + i % width] = tile[threadIdx.x * (kTile + 1) + k];
    __syncthreads();
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
  const Tensor &weight = args.in[0], &index = args.in[1], &y = args.out[0];
  const int64_t places = index.elements(), size = weight.shape[1];
  const int64_t tiles = (places + kTile - 1) / kTile * ((size + kTile - 1) / kTile);
  launch(embedding_kernel,
         {.grid = blocks_for(tiles, 1), .block = dim3(kTile, kTileRows), .stream = context.stream},
         weight.as<float>(), index.as<int32_t>(), y.as<float>(), weight.shape[0], size,
         y.batch.width, places, tiles);
}

void embedding_grad_cuda(const Args& args, CudaContext& context) {
  const Tensor &dy = args.in[0], &index = args.in[1], &dweight = args.out[0];
  launch(embedding_grad_kernel,
         {.grid = blocks_for(dweight.shape[0], 1), .block = kThreads, .stream = context.stream},
         dy.as<float>(), index.as<int32_t>(), args.step, args.first, dweight.as<float>(),
         dweight.shape[0], dweight.shape[1], dy.batch.width, index.elements());
}

}  // namespace cairn
