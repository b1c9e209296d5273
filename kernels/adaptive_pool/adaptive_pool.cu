// On CUDA a batch is one slice: place i of channel c of example n lies at (c H W + i) N + n. One
// thread makes one element of the output, coalesced along the batch; gradients gather, so nothing
// is added twice.
#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/adaptive_pool/adaptive_pool.h"

namespace cairn {
namespace {

// Reads the window, 4 bytes a place, and writes 4.
__global__ void adaptive_avg_pool2d_kernel(AdaptiveShape s, const float* x, float* y, int64_t batch,
                                           int64_t count) {
  for (const int64_t i : grid_stride(count)) {
    const int64_t n = i % batch, q = i / batch % s.w.out, p = i / batch / s.w.out % s.h.out;
    const int64_t channel = i / batch / s.w.out / s.h.out;
    const float* plane = x + channel * s.h.in * s.w.in * batch + n;
    float sum = 0;
    for (int64_t h = s.h.begin(p); h < s.h.end(p); ++h)
      for (int64_t w = s.w.begin(q); w < s.w.end(q); ++w) sum += plane[(h * s.w.in + w) * batch];
    y[i] = sum / static_cast<float>(s.places(p, q));
  }
}

// Reads the windows that hold the place, 4 bytes each, and writes 4.
__global__ void adaptive_avg_pool2d_grad_kernel(AdaptiveShape s, const float* dy, float* dx,
                                                int64_t batch, int64_t count) {
  for (const int64_t i : grid_stride(count)) {
    const int64_t n = i % batch, w = i / batch % s.w.in, h = i / batch / s.w.in % s.h.in;
    const int64_t channel = i / batch / s.w.in / s.h.in;
    const float* plane = dy + channel * s.h.out * s.w.out * batch + n;
    float sum = 0;
    for (int64_t p = s.h.first(h); p <= s.h.last(h); ++p)
      for (int64_t q = s.w.first(w); q <= s.w.last(w); ++q)
        sum += plane[(p * s.w.out + q) * batch] / static_cast<float>(s.places(p, q));
    dx[i] = sum;
  }
}

Grid grid_for(const Tensor& t, CudaContext& context) {
  return {.grid = blocks_for(t.elements()), .block = kThreads, .stream = context.stream};
}

}  // namespace

void adaptive_avg_pool2d_cuda(const Args& args, CudaContext& context) {
  const Tensor &x = args.in[0], &y = args.out[0];
  launch(adaptive_avg_pool2d_kernel, grid_for(y, context), AdaptiveShape(x.shape, y.shape),
         x.as<float>(), y.as<float>(), x.batch.width, y.elements());
}

void adaptive_avg_pool2d_grad_cuda(const Args& args, CudaContext& context) {
  const Tensor &dy = args.in[0], &dx = args.out[0];
  launch(adaptive_avg_pool2d_grad_kernel, grid_for(dx, context), AdaptiveShape(dx.shape, dy.shape),
         dy.as<float>(), dx.as<float>(), dx.batch.width, dx.elements());
}

}  // namespace cairn
