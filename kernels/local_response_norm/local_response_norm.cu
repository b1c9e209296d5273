// On CUDA the batch is one slice: place i of channel c of example n lies at (c places + i) N + n,
// so a channel is one run of floats.
#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/local_response_norm/local_response_norm.h"

namespace cairn {
namespace {

// One thread an element, coalesced along a channel: reads a window, 4 bytes a channel, and
// writes 8.
__global__ void local_response_norm_kernel(ResponseWindows windows, ResponseFactors<float> by,
                                           const float* x, float* y, float* scale) {
  for (const int64_t at : grid_stride(windows.channels * windows.run)) {
    const int64_t c = at / windows.run, i = at % windows.run;
    float sum = 0;
    for (int64_t other = windows.first(c); other <= windows.last(c); ++other) {
      const float v = x[other * windows.run + i];
      sum += v * v;
    }
    const float d = by.k + by.share * sum;
    scale[at] = d;
    y[at] = x[at] * powf(d, -by.beta);
  }
}

// The same, of the windows that hold the channel: reads 12 bytes a channel and 4, writes 4.
__global__ void local_response_norm_grad_kernel(ResponseWindows holding, ResponseFactors<float> by,
                                                const float* dy, const float* x, const float* y,
                                                const float* scale, float* dx) {
  for (const int64_t at : grid_stride(holding.channels * holding.run)) {
    const int64_t c = at / holding.run, i = at % holding.run;
    float sum = 0;
    for (int64_t other = holding.first(c); other <= holding.last(c); ++other) {
      const int64_t there = other * holding.run + i;
      sum += dy[there] * y[there] / scale[there];
    }
    dx[at] = dy[at] * powf(scale[at], -by.beta) - 2 * by.share * by.beta * x[at] * sum;
  }
}

Grid grid_for(const Tensor& t, CudaContext& context) {
  return {.grid = blocks_for(t.elements()), .block = kThreads, .stream = context.stream};
}

}  // namespace

void local_response_norm_cuda(const Args& args, CudaContext& context) {
  const Tensor& x = args.in[0];
  launch(local_response_norm_kernel, grid_for(x, context), ResponseWindows(x, *args.attrs),
         ResponseFactors<float>(*args.attrs), x.as<float>(), args.out[0].as<float>(),
         args.out[1].as<float>());
}

void local_response_norm_grad_cuda(const Args& args, CudaContext& context) {
  const Tensor& x = args.in[1];
  launch(local_response_norm_grad_kernel, grid_for(x, context),
         ResponseWindows(x, *args.attrs).holding(), ResponseFactors<float>(*args.attrs),
         args.in[0].as<float>(), x.as<float>(), args.in[2].as<float>(), args.in[3].as<float>(),
         args.out[0].as<float>());
}

}  // namespace cairn
