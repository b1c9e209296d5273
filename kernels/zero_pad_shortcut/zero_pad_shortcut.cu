// On CUDA a batch is one slice: place (c, i, j) of example n lies at ((c H + i) W + j) N + n.
#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/zero_pad_shortcut/zero_pad_shortcut.h"

namespace cairn {
namespace {

// One thread an element of y, coalesced along the batch: 4 bytes read where there is one, 4
// written.
__global__ void zero_pad_shortcut_kernel(const float* x, float* y, ShortcutShape s, int64_t batch,
                                         int64_t n) {
  for (const int64_t k : grid_stride(n)) {
    const int64_t place = k / batch, j = place % s.out_w, i = place / s.out_w % s.out_h,
                  c = place / s.out_w / s.out_h;
    const int64_t from = ((c * s.h + i * s.stride) * s.w + j * s.stride) * batch + k % batch;
    y[k] = c < s.channels ? x[from] : 0.0f;
  }
}

// One thread an element of dx, likewise.
__global__ void zero_pad_shortcut_grad_kernel(const float* dy, float* dx, ShortcutShape s,
                                              int64_t batch, int64_t n) {
  for (const int64_t k : grid_stride(n)) {
    const int64_t place = k / batch, j = place % s.w, i = place / s.w % s.h, c = place / s.w / s.h;
    const int64_t out = (c * s.out_h + i / s.stride) * s.out_w + j / s.stride;
    const bool taken = i % s.stride == 0 && j % s.stride == 0;
    dx[k] = taken ? dy[out * batch + k % batch] : 0.0f;
  }
}

}  // namespace

void zero_pad_shortcut_cuda(const Args& args, CudaContext& context) {
  const Tensor &x = args.in[0], &y = args.out[0];
  const int64_t n = y.elements();
  launch(zero_pad_shortcut_kernel,
         {.grid = blocks_for(n), .block = kThreads, .stream = context.stream}, x.as<float>(),
         y.as<float>(), ShortcutShape(x.shape, y.shape, *args.attrs), y.batch.width, n);
}

void zero_pad_shortcut_grad_cuda(const Args& args, CudaContext& context) {
  const Tensor &dy = args.in[0], &dx = args.out[0];
  const int64_t n = dx.elements();
  launch(zero_pad_shortcut_grad_kernel,
         {.grid = blocks_for(n), .block = kThreads, .stream = context.stream}, dy.as<float>(),
         dx.as<float>(), ShortcutShape(dx.shape, dy.shape, *args.attrs), dx.batch.width, n);
}

}  // namespace cairn
