// The convolution as one product for each group: W[Cout/g][depth] times the column matrix
// [depth][OH OW N], whose row (c,i,j) holds what kernel element (c,i,j) sees. The matrix is made a
// chunk of output rows at a time, in the workspace; a batched tensor on CUDA is one slice, so every
// entry of it is a run of N. Chunks follow one another on the stream, so sums have a fixed order.
#include "kernels/conv2d/conv2d.h"

#include "core/cuda/conv_chooser.h"
#include "core/cuda/cublas.h"
#include "kernels/bias/bias.h"
#include "kernels/conv2d/conv2d_cudnn.h"
#include "kernels/conv2d/conv2d_implicit.h"
#include "kernels/linear/bias_activation.cuh"

namespace cairn {
namespace {

constexpr int kLanes = 32;  // threads along a run of N
constexpr int kRuns = 8;    // runs a block works on at once

/// Rows [first, first + count) of an image.
struct RowRange {
  int64_t first = 0, count = 0;
};

/// columns[(c,i,j)][(p,q)][n] = x[c, pS - P + iD, qS - P + jD][n], zero outside of x and, where
/// `step` is given, in spare lanes. blockIdx.y over (c,i,j); a warp copies the run of one (p,q),
/// its threads along n. Bytes: columns written once, x read kh kw / (Sh Sw) times, mostly from L2.
__global__ void im2col_kernel(ConvShape s, const float* x, int64_t depth, int64_t n, RowRange out,
                              const StepState* step, int64_t first, float* columns) {
  const int64_t valid = step ? step->valid_lanes(first, n) : n;
  const int64_t places = out.count * s.ow;
  for (const int64_t k : row_stride(depth)) {
    const int64_t c = k / (s.kh * s.kw), i = k / s.kw % s.kh, j = k % s.kw;
    for (const int64_t place : warp_stride(places)) {
      const int64_t row = (out.first + place / s.ow) * s.stride_h - s.pad_h + i * s.dil_h;
      const int64_t column = place % s.ow * s.stride_w - s.pad_w + j * s.dil_w;
      const bool inside = row >= 0 && row < s.h && column >= 0 && column < s.w;
      const int64_t lanes = inside ? valid : 0;
      const float* const from = x + (inside ? ((c * s.h + row) * s.w + column) * n : 0);
      float* const to = columns + (k * places + place) * n;
      for (int64_t lane = threadIdx.x; lane < n; lane += kLanes)
        to[lane] = lane < lanes ? from[lane] : 0.0f;
    }
  }
}

/// The output row (or column) at which kernel element `k` sees input row `h`, less `first`;
/// negative where there is none among the `count` of them.
__device__ int64_t output_at(int64_t h, int64_t k, int64_t stride, int64_t pad, int64_t dilation,
                             int64_t first, int64_t count) {
  const int64_t reach = h + pad - k * dilation;
  const int64_t p = reach / stride - first;
  return reach % stride == 0 && p < count ? p : -1;
}

/// dx[c,h,w][n] (+)= sum over i, j, in that order, of columns[(c,i,j)][(p,q)][n] where pS - P + iD
/// = h, q likewise. blockIdx.y over c; a warp makes the run of one (h,w), its threads along n.
/// Bytes: columns read once; dx written once a chunk, and read where it accumulates.
__global__ void col2im_kernel(ConvShape s, const float* columns, int64_t channels, int64_t n,
                              RowRange out, RowRange in, bool accumulate, float* dx) {
  const int64_t places = out.count * s.ow;
  for (const int64_t c : row_stride(channels))
    for (const int64_t place : warp_stride(in.count * s.w)) {
      const int64_t h = in.first + place / s.w, w = place % s.w;
      float* const to = dx + ((c * s.h + h) * s.w + w) * n;
      for (int64_t lane = threadIdx.x; lane < n; lane += kLanes) {
        float sum = accumulate ? to[lane] : 0.0f;
        for (int64_t i = 0; i < s.kh; ++i) {
          const int64_t p = output_at(h, i, s.stride_h, s.pad_h, s.dil_h, out.first, out.count);
          if (p < 0) continue;
          for (int64_t j = 0; j < s.kw; ++j) {
            const int64_t q = output_at(w, j, s.stride_w, s.pad_w, s.dil_w, 0, s.ow);
            if (q < 0) continue;
            sum += columns[(((c * s.kh + i) * s.kw + j) * places + p * s.ow + q) * n + lane];
          }
        }
        to[lane] = sum;
      }
    }
}

/// blockIdx.x over `runs` runs of N, blockIdx.y over `rows`.
Grid run_grid(int64_t runs, int64_t rows, CudaContext& context) {
  return {.grid = dim3(blocks_for(runs, kRuns).x, grid_rows(rows)),
          .block = dim3(kLanes, kRuns),
          .stream = context.stream};
}

/// One product: group and chunk, and where their parts of x, w and y begin.
struct Part {
  RowRange out;     // output rows
  int64_t columns;  // columns of the matrix: out.count OW N
  int64_t x, w, y;  // elements before the group's x, its w, and its first y of the chunk
};

/// Calls f(part) for each group and, within it, each chunk of output rows in order.
template <class F>
void for_parts(const ConvShape& s, int64_t n, F f) {
  const int64_t rows = conv2d_chunk_rows(s, n);
  for (int64_t g = 0; g < s.groups; ++g)
    for (int64_t p = 0; p < s.oh; p += rows) {
      const int64_t count = std::min(rows, s.oh - p);
      f(Part{.out = {p, count},
             .columns = count * s.ow * n,
             .x = g * s.cin_group() * s.h * s.w * n,
             .w = g * s.cout_group() * s.depth(),
             .y = (g * s.cout_group() * s.oh + p) * s.ow * n});
    }
}

void im2col(const ConvShape& s, const Part& part, const float* x, int64_t n, const StepState* step,
            int64_t first, float* columns, CudaContext& context) {
  launch(im2col_kernel, run_grid(part.out.count * s.ow, s.depth(), context), s, x + part.x,
         s.depth(), n, part.out, step, first, columns);
}

/// Input rows that a chunk's output rows see; all of them for the first chunk, which sets dx.
RowRange input_rows(const ConvShape& s, RowRange out) {
  if (out.first == 0) return {0, s.h};
  const int64_t top = out.first * s.stride_h - s.pad_h;
  const int64_t reach = (out.count - 1) * s.stride_h + (s.kh - 1) * s.dil_h + 1;
  const int64_t first = std::clamp<int64_t>(top, 0, s.h);
  return {first, std::clamp<int64_t>(top + reach, first, s.h) - first};
}

void conv2d_im2col(const Args& args, CudaContext& context) {
  const Tensor& x = args.in[0];   // (Cin,H,W,N)
  const Tensor& w = args.in[1];   // (Cout,Cin/g,KH,KW)
  const Tensor& b = args.in[2];   // (Cout), or absent
  const Tensor& y = args.out[0];  // (Cout,OH,OW,N)
  const ConvShape s(x.shape, w.shape, y.shape, *args.attrs);
  const int64_t n = y.batch.width, plane = s.oh * s.ow * n;
  auto* const columns = static_cast<float*>(args.workspace);
  for_parts(s, n, [&](const Part& part) {
    im2col(s, part, x.as<float>(), n, nullptr, 0, columns, context);
    gemm(context, false, false, s.cout_group(), part.columns, s.depth(), 1, w.as<float>() + part.w,
         s.depth(), columns, part.columns, 0, y.as<float>() + part.y, plane);
  });
  const auto act = static_cast<Activation>(args.attrs->integer(conv2d_attr::activation));
  bias_activation(context, y.as<float>(), b.as<float>(), act, s.cout, plane);
}

void conv2d_dx_im2col(const Args& args, CudaContext& context) {
  const Tensor& dy = args.in[0];   // (Cout,OH,OW,N)
  const Tensor& w = args.in[1];    // (Cout,Cin/g,KH,KW)
  const Tensor& dx = args.out[0];  // (Cin,H,W,N)
  const ConvShape s(dx.shape, w.shape, dy.shape, *args.attrs);
  const int64_t n = dx.batch.width, plane = s.oh * s.ow * n;
  auto* const columns = static_cast<float*>(args.workspace);
  for_parts(s, n, [&](const Part& part) {
    gemm(context, true, false, s.depth(), part.columns, s.cout_group(), 1, w.as<float>() + part.w,
         s.depth(), dy.as<float>() + part.y, plane, 0, columns, part.columns);
    const RowRange in = input_rows(s, part.out);
    launch(col2im_kernel, run_grid(in.count * s.w, s.cin_group(), context), s, columns,
           s.cin_group(), n, part.out, in, part.out.first > 0, dx.as<float>() + part.x);
  });
}

/// Spare lanes are zero in the columns, so they add nothing.
void conv2d_dw_im2col(const Args& args, CudaContext& context) {
  const Tensor& x = args.in[0];    // (Cin,H,W,N)
  const Tensor& dy = args.in[1];   // (Cout,OH,OW,N)
  const Tensor& dw = args.out[0];  // (Cout,Cin/g,KH,KW)
  const ConvShape s(x.shape, dw.shape, dy.shape, *args.attrs);
  const int64_t n = x.batch.width, plane = s.oh * s.ow * n;
  auto* const columns = static_cast<float*>(args.workspace);
  for_parts(s, n, [&](const Part& part) {
    im2col(s, part, x.as<float>(), n, args.step, args.first, columns, context);
    gemm(context, false, true, s.cout_group(), s.depth(), part.columns, 1, dy.as<float>() + part.y,
         plane, columns, part.columns, 1, dw.as<float>() + part.w, s.depth());
  });
  make_bias_grad(args, dy, args.out[1], [&](const Args& of) { bias_grad_cuda(of, context); });
}

}  // namespace

void conv2d_cuda(const Args& args, CudaContext& context) {
  const ConvShape s(args.in[0].shape, args.in[1].shape, args.out[0].shape, *args.attrs);
  const ConvProblem problem = conv2d_problem(s, args.out[0].batch.width);
  constexpr ConvWays kWays{conv2d_im2col, conv2d_implicit, conv2d_cudnn};
  context.conv->choose(ConvPass::forward, problem, false, args, context, kWays)(args, context);
}

void conv2d_dx_cuda(const Args& args, CudaContext& context) {
  const ConvShape s(args.out[0].shape, args.in[1].shape, args.in[0].shape, *args.attrs);
  const ConvProblem problem = conv2d_problem(s, args.out[0].batch.width);
  constexpr ConvWays kWays{conv2d_dx_im2col, conv2d_dx_implicit, conv2d_dx_cudnn};
  context.conv->choose(ConvPass::dx, problem, false, args, context, kWays)(args, context);
}

void conv2d_dw_cuda(const Args& args, CudaContext& context) {
  const ConvShape s(args.in[0].shape, args.out[0].shape, args.in[1].shape, *args.attrs);
  const ConvProblem problem = conv2d_problem(s, args.in[0].batch.width);
  constexpr ConvWays kWays{conv2d_dw_im2col, conv2d_dw_implicit, conv2d_dw_cudnn};
  context.conv->choose(ConvPass::dw, problem, true, args, context, kWays)(args, context);
}

}  // namespace cairn
