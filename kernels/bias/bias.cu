// On CUDA a batch is one slice: position i of channel c of example n lies at (c positions + i) N +
// n.
#include "core/cuda/block_sum.cuh"
#include "core/cuda/context.h"
#include "core/cuda/last_block.cuh"
#include "core/cuda/launch.h"
#include "kernels/bias/bias.h"

namespace cairn {
namespace {

// One thread an element, coalesced: 4 bytes read and 4 written; `run` elements share a channel.
__global__ void bias_kernel(const float* x, const float* b, float* y, int64_t run, int64_t n) {
  for (const int64_t i : grid_stride(n)) y[i] = x[i] + b[i / run];
}

// A block sums part p of channel c: its threads take the channel's elements p kThreads + t and on
// in steps of parts kThreads, coalesced. Reads 4 bytes an element. Where there are several parts
// the last block adds them up in order, a thread a channel. sums: [parts][channels].
__global__ void bias_grad_kernel(const float* dy, const StepState* step, float* sums, float* db,
                                 int64_t channels, int64_t parts, int64_t run, int64_t batch,
                                 unsigned* blocks_done) {
  const int64_t valid = step->n_valid;
  for (const int64_t part : block_stride(channels * parts)) {
    const float* x = dy + part / parts * run;
    float sum = 0;
    for (int64_t i = part % parts * kThreads + threadIdx.x; i < run; i += parts * kThreads)
      if (valid == batch || i % batch < valid) sum += x[i];
    sum = block_sum(sum);
    if (threadIdx.x != 0) continue;
    if (parts == 1)
      db[part] += sum;
    else
      sums[part % parts * channels + part / parts] = sum;
  }
  if (parts == 1 || !is_last_block(blocks_done)) return;
  for (int64_t c = threadIdx.x; c < channels; c += kThreads) {
    float sum = 0;
    for (int64_t p = 0; p < parts; ++p) sum += sums[p * channels + c];
    db[c] += sum;
  }
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
  if (dy.elements() == 0) return;
  const int64_t channels = dy.shape[0], run = dy.elements() / channels;
  const int64_t parts = bias_grad_parts(channels, run);
  launch(bias_grad_kernel,
         {.grid = blocks_for(channels * parts, 1), .block = kThreads, .stream = context.stream},
         dy.as<float>(), args.step, static_cast<float*>(args.workspace), args.out[0].as<float>(),
         channels, parts, run, dy.batch.width, context.blocks_done);
}

}  // namespace cairn
