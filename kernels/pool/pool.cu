// On CUDA a batch is one slice: place i of channel c of example n lies at (c H W + i) N + n. One
// thread makes one element of the output, coalesced along the batch; gradients gather, so nothing
// is added twice.
#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/pool/pool.h"
#include "kernels/unary/unary.h"

namespace cairn {
namespace {

/// Element i of (C, rows, columns, N) taken apart.
struct Place {
  int64_t n, column, row, channel;

  __device__ Place(int64_t i, int64_t rows, int64_t columns, int64_t batch)
      : n(i % batch),
        column(i / batch % columns),
        row(i / batch / columns % rows),
        channel(i / batch / columns / rows) {}
};

// Reads the window, 4 KH KW bytes, and writes 4.
__global__ void avg_pool2d_kernel(AvgPoolShape s, const float* x, float* y, int64_t batch,
                                  int64_t n) {
  for (const int64_t i : grid_stride(n)) {
    const Place at(i, s.h.out, s.w.out, batch);
    const float* plane = x + at.channel * s.h.in * s.w.in * batch + at.n;
    float sum = 0;
    for (int64_t h = s.h.begin(at.row); h < s.h.end(at.row); ++h)
      for (int64_t w = s.w.begin(at.column); w < s.w.end(at.column); ++w)
        sum += plane[(h * s.w.in + w) * batch];
    y[i] = sum / static_cast<float>(s.divisor(at.row, at.column));
  }
}

// Reads the window, 4 KH KW bytes, and writes 8.
__global__ void max_pool2d_kernel(MaxPoolShape s, const float* x, float* y, int32_t* indices,
                                  int64_t batch, int64_t n) {
  for (const int64_t i : grid_stride(n)) {
    const Place at(i, s.h.out, s.w.out, batch);
    const float* plane = x + at.channel * s.h.in * s.w.in * batch + at.n;
    float best = 0;
    int64_t index = -1;
    for (int64_t h = s.h.begin(at.row); h < s.h.end(at.row); h += s.h.dilation)
      for (int64_t w = s.w.begin(at.column); w < s.w.end(at.column); w += s.w.dilation) {
        const float value = plane[(h * s.w.in + w) * batch];
        if (index < 0 || value > best || value != value) best = value, index = h * s.w.in + w;
      }
    y[i] = best;
    indices[i] = static_cast<int32_t>(index);
  }
}

// Reads the windows that hold the place, 4 bytes each, and y, 4, where there is an activation;
// writes 4.
__global__ void avg_pool2d_grad_kernel(AvgPoolShape s, const float* dy, const float* y,
                                       Activation activation, float* dx, int64_t batch, int64_t n) {
  for (const int64_t i : grid_stride(n)) {
    const Place at(i, s.h.in, s.w.in, batch);
    const float* plane = dy + at.channel * s.h.out * s.w.out * batch + at.n;
    float sum = 0;
    for (int64_t p = s.h.first(at.row); p <= s.h.last(at.row); ++p)
      for (int64_t q = s.w.first(at.column); q <= s.w.last(at.column); ++q)
        sum += plane[(p * s.w.out + q) * batch] / static_cast<float>(s.divisor(p, q));
    dx[i] = y ? activate_grad(activation, y[i], sum) : sum;
  }
}

// Reads the windows that may hold the place, 8 bytes each, and y, 4, where there is an activation;
// writes 4.
__global__ void max_pool2d_grad_kernel(MaxPoolShape s, const float* dy, const int32_t* indices,
                                       const float* y, Activation activation, float* dx,
                                       int64_t batch, int64_t n) {
  for (const int64_t i : grid_stride(n)) {
    const Place at(i, s.h.in, s.w.in, batch);
    const int64_t plane = at.channel * s.h.out * s.w.out * batch + at.n;
    const int64_t here = at.row * s.w.in + at.column;
    float sum = 0;
    for (int64_t p = s.h.first(at.row); p <= s.h.last(at.row); ++p) {
      if (!s.h.holds(p, at.row)) continue;
      for (int64_t q = s.w.first(at.column); q <= s.w.last(at.column); ++q) {
        const int64_t window = plane + (p * s.w.out + q) * batch;
        if (s.w.holds(q, at.column) && indices[window] == here) sum += dy[window];
      }
    }
    dx[i] = y ? activate_grad(activation, y[i], sum) : sum;
  }
}

Grid grid_for(const Tensor& t, CudaContext& context) {
  return {.grid = blocks_for(t.elements()), .block = kThreads, .stream = context.stream};
}

}  // namespace

void avg_pool2d_cuda(const Args& args, CudaContext& context) {
  const Tensor &x = args.in[0], &y = args.out[0];
  launch(avg_pool2d_kernel, grid_for(y, context), AvgPoolShape(x.shape, y.shape, *args.attrs),
         x.as<float>(), y.as<float>(), x.batch.width, y.elements());
}

void max_pool2d_cuda(const Args& args, CudaContext& context) {
  const Tensor &x = args.in[0], &y = args.out[0];
  launch(max_pool2d_kernel, grid_for(y, context), MaxPoolShape(x.shape, y.shape, *args.attrs),
         x.as<float>(), y.as<float>(), args.out[1].as<int32_t>(), x.batch.width, y.elements());
}

void avg_pool2d_grad_cuda(const Args& args, CudaContext& context) {
  const Tensor &dy = args.in[0], &dx = args.out[0];
  launch(avg_pool2d_grad_kernel, grid_for(dx, context),
         AvgPoolShape(dx.shape, dy.shape, *args.attrs), dy.as<float>(), args.in[1].as<float>(),
         static_cast<Activation>(args.attrs->integer(pool_attr::avg_activation)), dx.as<float>(),
         dx.batch.width, dx.elements());
}

void max_pool2d_grad_cuda(const Args& args, CudaContext& context) {
  const Tensor &dy = args.in[0], &dx = args.out[0];
  launch(max_pool2d_grad_kernel, grid_for(dx, context),
         MaxPoolShape(dx.shape, dy.shape, *args.attrs), dy.as<float>(), args.in[1].as<int32_t>(),
         args.in[2].as<float>(),
         static_cast<Activation>(args.attrs->integer(pool_attr::max_activation)), dx.as<float>(),
         dx.batch.width, dx.elements());
}

}  // namespace cairn
