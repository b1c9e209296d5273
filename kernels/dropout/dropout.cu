// On CUDA a batch is one slice: feature f of example n lies at f N + n. A plain tensor is the same
// with N = 1.
#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/dropout/dropout.h"

namespace cairn {
namespace {

// One thread an element, coalesced: 4 bytes read, 5 written, and ten Philox rounds.
__global__ void dropout_kernel(const float* x, const StepState* step, PhiloxKey key, int64_t first,
                               float p, float scale, float* y, uint8_t* mask, int64_t features,
                               int64_t width) {
  const auto counter = static_cast<uint64_t>(step->step);
  for (const int64_t i : grid_stride(features * width)) {
    const auto element = static_cast<uint64_t>((first + i % width) * features + i / width);
    const bool keeps = dropout_keeps(random_word(key, counter, element), p);
    mask[i] = keeps ? 1 : 0;
    y[i] = x[i] * (keeps ? scale : 0.0f);
  }
}

// One thread an element: 5 bytes read, 4 written.
__global__ void dropout_grad_kernel(const float* dy, const uint8_t* mask, float scale, float* dx,
                                    int64_t n) {
  for (const int64_t i : grid_stride(n)) dx[i] = dy[i] * (mask[i] ? scale : 0.0f);
}

}  // namespace

void dropout_cuda(const Args& args, CudaContext& context) {
  const Tensor& x = args.in[0];
  const double p = args.attrs->real(dropout_attr::p);
  launch(dropout_kernel,
         {.grid = blocks_for(x.elements()), .block = kThreads, .stream = context.stream},
         x.as<float>(), args.step, args.key, args.first, static_cast<float>(p),
         dropout_scale<float>(p), args.out[0].as<float>(), args.out[1].as<uint8_t>(), x.features,
         x.batch.width);
}

void dropout_grad_cuda(const Args& args, CudaContext& context) {
  const Tensor& dy = args.in[0];
  launch(dropout_grad_kernel,
         {.grid = blocks_for(dy.elements()), .block = kThreads, .stream = context.stream},
         dy.as<float>(), args.in[1].as<uint8_t>(),
         dropout_scale<float>(args.attrs->real(dropout_attr::p)), args.out[0].as<float>(),
         dy.elements());
}

}  // namespace cairn
