// On CUDA a batch is one slice, so that N examples are the innermost axis. 4 bytes read and 4
// written an element, both coalesced.
#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/permute/permute.h"

namespace cairn {
namespace {

constexpr int kTile = 32, kTileRows = 8;

// The innermost axis stays: one thread an element.
__global__ void permute_runs_kernel(const float* x, float* y, Permutation p) {
  for (const int64_t i : grid_stride(p.blocks * p.columns)) {
    int64_t from, to;
    p.find(i / p.columns, from, to);
    y[to + i % p.columns] = x[from + i % p.columns];
  }
}

// A block of 32 x 8 threads carries tiles of 32 x 32 through shared memory: read along x's rows,
// written along y's.
__global__ void permute_tiles_kernel(const float* x, float* y, Permutation p, int64_t tiles) {
  CAIRN_SHARED(float, tile, kTile*(kTile + 1));
  const int64_t across = (p.columns + kTile - 1) / kTile, down = (p.rows + kTile - 1) / kTile;
  for (const int64_t t : block_stride(tiles)) {
    const int64_t j0 = t % across * kTile, i0 = t / across % down * kTile;
    int64_t from, to;
    p.find(t / across / down, from, to);
    for (int64_t k = threadIdx.y; k < kTile; k += kTileRows)
      if (i0 + threadIdx.x < p.rows && j0 + k < p.columns)
        tile[k * (kTile + 1) + threadIdx.x] = x[from + i0 + threadIdx.x + (j0 + k) * p.column_in];
    __syncthreads();
    for (int64_t k = threadIdx.y; k < kTile; k += kTileRows)
      if (i0 + k < p.rows && j0 + threadIdx.x < p.columns)
        y[to + (i0 + k) * p.row_out + j0 + threadIdx.x] = tile[threadIdx.x * (kTile + 1) + k];
    __syncthreads();
  }
}

void permute_on_gpu(const Args& args, CudaContext& context, const Axes& axes) {
  const Tensor &x = args.in[0], &y = args.out[0];
  if (x.elements() == 0) return;
  const Permutation p(x.shape, axes, x.batch.width);
  if (p.column_in == 1) {
    launch(permute_runs_kernel,
           {.grid = blocks_for(x.elements()), .block = kThreads, .stream = context.stream},
           x.as<float>(), y.as<float>(), p);
    return;
  }
  const int64_t tiles =
      p.blocks * ((p.columns + kTile - 1) / kTile) * ((p.rows + kTile - 1) / kTile);
  launch(permute_tiles_kernel,
         {.grid = blocks_for(tiles, 1), .block = dim3(kTile, kTileRows), .stream = context.stream},
         x.as<float>(), y.as<float>(), p, tiles);
}

}  // namespace

void transpose_cuda(const Args& args, CudaContext& context) {
  permute_on_gpu(args, context, transpose_axes(args.in[0].type(), *args.attrs));
}
void permute_cuda(const Args& args, CudaContext& context) {
  permute_on_gpu(args, context, permute_axes(args.in[0].type(), *args.attrs));
}

}  // namespace cairn
