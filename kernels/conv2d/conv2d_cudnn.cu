// The convolution by cuDNN, which wants (N,C,H,W): examples are transposed into the workspace, as
// many at a time as fit there, and results back.
#include "core/cuda/conv_chooser.h"
#include "kernels/bias/bias.h"
#include "kernels/conv2d/conv2d.h"
#include "kernels/conv2d/conv2d_cudnn.h"
#include "kernels/linear/bias_activation.cuh"

namespace cairn {
namespace {

constexpr int kTile = 32, kTileRows = 8;

/// to[j][i] = from[i][j] for `rows` x `columns` elements; columns from `valid` on (where `step` is
/// given) become zero. A block of 32 x 8 threads carries tiles of 32 x 32 through shared memory:
/// read along i's rows, written along j's. 4 bytes read and 4 written an element, both coalesced.
__global__ void transpose_kernel(const float* from, int64_t from_row, float* to, int64_t to_row,
                                 int64_t rows, int64_t columns, const StepState* step,
                                 int64_t first) {
  CAIRN_SHARED(float, tile, kTile*(kTile + 1));
  const int64_t valid = step ? step->valid_lanes(first, columns) : columns;
  const int64_t across = (columns + kTile - 1) / kTile, down = (rows + kTile - 1) / kTile;
  for (const int64_t t : block_stride(across * down)) {
    const int64_t i0 = t / across * kTile, j0 = t % across * kTile;
    for (int64_t k = threadIdx.y; k < kTile; k += kTileRows) {
      const int64_t i = i0 + k, j = j0 + threadIdx.x;
      if (i < rows) tile[k * (kTile + 1) + threadIdx.x] = j < valid ? from[i * from_row + j] : 0.0f;
    }
    __syncthreads();
    for (int64_t k = threadIdx.y; k < kTile; k += kTileRows) {
      const int64_t i = i0 + threadIdx.x, j = j0 + k;
      if (i < rows && j < columns) to[j * to_row + i] = tile[threadIdx.x * (kTile + 1) + k];
    }
    __syncthreads();
  }
}

void transpose(const float* from, int64_t from_row, float* to, int64_t to_row, int64_t rows,
               int64_t columns, const StepState* step, int64_t first, CudaContext& context) {
  const int64_t tiles = (rows + kTile - 1) / kTile * ((columns + kTile - 1) / kTile);
  launch(transpose_kernel,
         {.grid = blocks_for(tiles, 1), .block = dim3(kTile, kTileRows), .stream = context.stream},
         from, from_row, to, to_row, rows, columns, step, first);
}

/// Some examples of a call: where they lie in (C,H,W,N), and their transposed copies.
struct Examples {
  int64_t first, count, n;  // count of n
  float *x, *y;             // (count,C,H,W), in the workspace
  void* rest;
  size_t rest_bytes;
  ConvProblem problem;

  /// (F,N) -> (count,F); with `args`, the spare ones among them become zero.
  void gather(const Tensor& from, float* to, const Args* args, CudaContext& context) const {
    transpose(from.as<float>() + first, n, to, from.features, from.features, count,
              args ? args->step : nullptr, args ? args->first + first : 0, context);
  }
  /// (count,F) -> (F,N)
  void scatter(const float* from, const Tensor& to, CudaContext& context) const {
    transpose(from, to.features, to.as<float>() + first, n, count, to.features, nullptr, 0,
              context);
  }
};

/// Calls f(examples) for chunk after chunk of a batch of n.
template <class F>
void for_examples(const ConvShape& s, int64_t n, const Args& args, F f) {
  const NchwChunk chunk(s, n);
  auto* const memory = static_cast<std::byte*>(args.workspace);
  const int64_t used = chunk.x_bytes + chunk.y_bytes;
  for (int64_t first = 0; first < n; first += chunk.examples) {
    const int64_t count = std::min(chunk.examples, n - first);
    f(Examples{.first = first,
               .count = count,
               .n = n,
               .x = reinterpret_cast<float*>(memory),
               .y = reinterpret_cast<float*>(memory + chunk.x_bytes),
               .rest = memory + used,
               .rest_bytes = static_cast<size_t>(conv2d_workspace_bytes(s, n) - used),
               .problem = conv2d_problem(s, count)});
  }
}

}  // namespace

ConvProblem conv2d_problem(const ConvShape& s, int64_t n) {
  return {.n = n,
          .cin = s.cin,
          .h = s.h,
          .w = s.w,
          .cout = s.cout,
          .oh = s.oh,
          .ow = s.ow,
          .kh = s.kh,
          .kw = s.kw,
          .groups = s.groups,
          .stride_h = s.stride_h,
          .stride_w = s.stride_w,
          .pad_h = s.pad_h,
          .pad_w = s.pad_w,
          .dil_h = s.dil_h,
          .dil_w = s.dil_w};
}

void conv2d_cudnn(const Args& args, CudaContext& context) {
  const Tensor &x = args.in[0], &w = args.in[1], &b = args.in[2], &y = args.out[0];
  const ConvShape s(x.shape, w.shape, y.shape, *args.attrs);
  for_examples(s, y.batch.width, args, [&](const Examples& e) {
    e.gather(x, e.x, nullptr, context);
    context.conv->cudnn().convolve(ConvPass::forward, e.problem, e.x, w.as<float>(), e.y, e.rest,
                                   e.rest_bytes);
    e.scatter(e.y, y, context);
  });
  const auto act = static_cast<Activation>(args.attrs->integer(conv2d_attr::activation));
  bias_activation(context, y.as<float>(), b.as<float>(), act, s.cout, s.oh * s.ow * y.batch.width);
}

void conv2d_dx_cudnn(const Args& args, CudaContext& context) {
  const Tensor &dy = args.in[0], &w = args.in[1], &dx = args.out[0];
  const ConvShape s(dx.shape, w.shape, dy.shape, *args.attrs);
  for_examples(s, dx.batch.width, args, [&](const Examples& e) {
    e.gather(dy, e.y, nullptr, context);
    context.conv->cudnn().convolve(ConvPass::dx, e.problem, e.y, w.as<float>(), e.x, e.rest,
                                   e.rest_bytes);
    e.scatter(e.x, dx, context);
  });
}

/// Spare examples of x are zero, so they add nothing.
void conv2d_dw_cudnn(const Args& args, CudaContext& context) {
  const Tensor &x = args.in[0], &dy = args.in[1], &dw = args.out[0];
  const ConvShape s(x.shape, dw.shape, dy.shape, *args.attrs);
  for_examples(s, x.batch.width, args, [&](const Examples& e) {
    e.gather(x, e.x, &args, context);
    e.gather(dy, e.y, nullptr, context);
    context.conv->cudnn().convolve(ConvPass::dw, e.problem, e.x, e.y, dw.as<float>(), e.rest,
                                   e.rest_bytes);
  });
  make_bias_grad(args, dy, args.out[1], [&](const Args& of) { bias_grad_cuda(of, context); });
}

}  // namespace cairn
