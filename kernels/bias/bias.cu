// On CUDA a batch is one slice: position i of channel c of example n lies at (c positions + i) N +
// n.
#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/bias/bias.h"

namespace cairn {
namespace {

// One thread an element, coalesced: 4 bytes read and 4 written; `run` elements share a channel.
__global__ void bias_kernel(const float* x, const float* b, float* y, int64_t run, int64_t n) {
  const int64_t stride = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n; i += stride)
    y[i] = x[i] + b[i / run];
}

// A block sums a channel: threads take elements t, t + blockDim, ... of its run (coalesced), then a
// tree in shared memory. Reads 4 bytes an element.
__global__ void bias_grad_kernel(const float* dy, const StepState* step, float* db, int64_t run,
                                 int64_t batch) {
  CAIRN_SHARED(float, sums, kThreads);
  const float* x = dy + blockIdx.x * run;
  float sum = 0;
  for (int64_t i = threadIdx.x; i < run; i += kThreads)
    if (i % batch < step->n_valid) sum += x[i];
  sums[threadIdx.x] = sum;
  for (unsigned half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
  }
  if (threadIdx.x == 0) db[blockIdx.x] += sums[0];
}

}  // namespace

void bias_cuda(const Args& args, CudaContext& context) {
  const Tensor& x = args.in[0];
  const int64_t n = x.elements();
  if (n == 0) return;
  launch(bias_kernel, {.grid = blocks_for(n), .block = kThreads, .stream = context.stream},
         x.as<float>(), args.in[1].as<float>(), args.out[0].as<float>(), n / x.shape[0], n);
}

void bias_grad_cuda(const Args& args, CudaContext& context) {
  const Tensor& dy = args.in[0];
  const int64_t channels = dy.shape[0];
  if (dy.elements() == 0) return;
  launch(bias_grad_kernel,
         {.grid = static_cast<unsigned>(channels), .block = kThreads, .stream = context.stream},
         dy.as<float>(), args.step, args.out[0].as<float>(), dy.elements() / channels,
         dy.batch.width);
}

}  // namespace cairn
