// A convolution is one matrix product for each group: W[Cout/g, K] x columns[K, OH OW N], K = Cin/g
// KH KW, whose result has the right layout. On CUDA a batch is one slice, so a row of the columns
// copies runs of N. Columns are made for as many output rows at a time as the workspace holds.
#include "core/cuda/cublas.h"
#include "core/cuda/launch.h"
#include "kernels/conv2d/conv2d.h"
#include "kernels/linear/epilogue.cuh"

namespace cairn {
namespace {

// One thread an element (k, p, q, n) of the columns of output rows [row, row + rows), coalesced
// along the batch: 4 bytes read, unless outside x, and 4 written. x points to the group's first
// channel.
__global__ void im2col_kernel(ConvShape s, const float* x, float* columns, int64_t row,
                              int64_t rows, int64_t batch) {
  const int64_t total = s.depth() * rows * s.ow * batch;
  const int64_t stride = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < total; i += stride) {
    const int64_t n = i % batch, q = i / batch % s.ow, p = row + i / batch / s.ow % rows;
    const int64_t k = i / batch / s.ow / rows;
    const int64_t tap_w = k % s.kw, tap_h = k / s.kw % s.kh, c = k / s.kw / s.kh;
    const int64_t h = p * s.stride_h - s.pad_h + tap_h * s.dil_h;
    const int64_t w = q * s.stride_w - s.pad_w + tap_w * s.dil_w;
    const bool inside = h >= 0 && h < s.h && w >= 0 && w < s.w;
    columns[i] = inside ? x[((c * s.h + h) * s.w + w) * batch + n] : 0.0f;
  }
}

// One thread an element (c, h, w, n) of dx, coalesced along the batch: adds the columns of output
// rows [row, row + rows) that it went into, in the order of the taps. Reads up to 4 KH KW bytes,
// writes 4.
__global__ void col2im_kernel(ConvShape s, const float* columns, float* dx, int64_t row,
                              int64_t rows, int64_t batch) {
  const int64_t total = s.cin_group() * s.h * s.w * batch;
  const int64_t stride = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < total; i += stride) {
    const int64_t n = i % batch, w = i / batch % s.w, h = i / batch / s.w % s.h,
                  c = i / batch / s.w / s.h;
    float sum = row == 0 ? 0.0f : dx[i];
    for (int64_t tap_h = 0; tap_h < s.kh; ++tap_h)
      for (int64_t tap_w = 0; tap_w < s.kw; ++tap_w) {
        const int64_t up = h + s.pad_h - tap_h * s.dil_h, left = w + s.pad_w - tap_w * s.dil_w;
        if (up < 0 || left < 0 || up % s.stride_h != 0 || left % s.stride_w != 0) continue;
        const int64_t p = up / s.stride_h - row, q = left / s.stride_w;
        if (p < 0 || p >= rows || q >= s.ow) continue;
        const int64_t k = (c * s.kh + tap_h) * s.kw + tap_w;
        sum += columns[((k * rows + p) * s.ow + q) * batch + n];
      }
    dx[i] = sum;
  }
}

/// Calls f(row, rows) for the runs of output rows whose columns fit the workspace.
template <class F>
void for_chunks(const ConvShape& s, int64_t batch, F f) {
  const int64_t most = conv2d_chunk_rows(s, batch);
  for (int64_t row = 0; row < s.oh; row += most) f(row, std::min(most, s.oh - row));
}

void launch_im2col(CudaContext& context, const ConvShape& s, const float* x, float* columns,
                   int64_t row, int64_t rows, int64_t batch) {
  launch(im2col_kernel,
         {.grid = blocks_for(s.depth() * rows * s.ow * batch),
          .block = kThreads,
          .stream = context.stream},
         s, x, columns, row, rows, batch);
}

/// Sizes of a group's part of each tensor, in elements.
struct GroupSizes {
  int64_t x, y, w, plane;  // plane: of one output channel

  GroupSizes(const ConvShape& s, int64_t batch)
      : x(s.cin_group() * s.h * s.w * batch),
        y(s.cout_group() * s.oh * s.ow * batch),
        w(s.cout_group() * s.depth()),
        plane(s.oh * s.ow * batch) {}
};

}  // namespace

void conv2d_cuda(const Args& args, CudaContext& context) {
  const Tensor &x = args.in[0], &w = args.in[1], &b = args.in[2], &y = args.out[0];
  const ConvShape s(x.shape, w.shape, y.shape, *args.attrs);
  const int64_t batch = x.batch.width;
  if (batch == 0) return;
  const GroupSizes size(s, batch);
  auto* columns = static_cast<float*>(args.workspace);
  for (int64_t g = 0; g < s.groups; ++g)
    for_chunks(s, batch, [&](int64_t row, int64_t rows) {
      const int64_t places = rows * s.ow * batch;
      launch_im2col(context, s, x.as<float>() + g * size.x, columns, row, rows, batch);
      cublas(context).gemm(false, false, s.cout_group(), places, s.depth(),
                           w.as<float>() + g * size.w, s.depth(), columns, places, 0,
                           y.as<float>() + g * size.y + row * s.ow * batch, size.plane);
    });
  launch_epilogue(context, y.as<float>(), b.as<float>(), size.plane, y.elements(),
                  static_cast<Activation>(args.attrs->integer(conv2d_attr::activation)));
}

void conv2d_dx_cuda(const Args& args, CudaContext& context) {
  const Tensor &dy = args.in[0], &w = args.in[1], &dx = args.out[0];
  const ConvShape s(dx.shape, w.shape, dy.shape, *args.attrs);
  const int64_t batch = dx.batch.width;
  if (batch == 0) return;
  const GroupSizes size(s, batch);
  auto* columns = static_cast<float*>(args.workspace);
  for (int64_t g = 0; g < s.groups; ++g)
    for_chunks(s, batch, [&](int64_t row, int64_t rows) {
      const int64_t places = rows * s.ow * batch;
      cublas(context).gemm(
          true, false, s.depth(), places, s.cout_group(), w.as<float>() + g * size.w, s.depth(),
          dy.as<float>() + g * size.y + row * s.ow * batch, size.plane, 0, columns, places);
      launch(col2im_kernel,
             {.grid = blocks_for(size.x), .block = kThreads, .stream = context.stream}, s, columns,
             dx.as<float>() + g * size.x, row, rows, batch);
    });
}

void conv2d_dw_cuda(const Args& args, CudaContext& context) {
  const Tensor &x = args.in[0], &dy = args.in[1], &dw = args.out[0];
  const ConvShape s(x.shape, dw.shape, dy.shape, *args.attrs);
  const int64_t batch = x.batch.width;
  if (batch == 0) return;
  const GroupSizes size(s, batch);
  auto* columns = static_cast<float*>(args.workspace);
  for (int64_t g = 0; g < s.groups; ++g)
    for_chunks(s, batch, [&](int64_t row, int64_t rows) {
      const int64_t places = rows * s.ow * batch;
      launch_im2col(context, s, x.as<float>() + g * size.x, columns, row, rows, batch);
      cublas(context).gemm(false, true, s.cout_group(), s.depth(), places,
                           dy.as<float>() + g * size.y + row * s.ow * batch, size.plane, columns,
                           places, 1, dw.as<float>() + g * size.w, s.depth());
    });
}

}  // namespace cairn
