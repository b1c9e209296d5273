// On CUDA the batch is one slice, so a tensor is one run of features x width floats.
#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/round_bf16/round_bf16.h"

namespace cairn {
namespace {

// One thread an element: 4 bytes read, 4 written.
__global__ void round_bf16_kernel(const float* x, float* y, int64_t n) {
  for (const int64_t i : grid_stride(n)) y[i] = round_bf16(x[i]);
}

}  // namespace

void round_bf16_cuda(const Args& args, CudaContext& context) {
  const int64_t n = args.out[0].elements();
  launch(round_bf16_kernel, {.grid = blocks_for(n), .block = kThreads, .stream = context.stream},
         args.in[0].as<float>(), args.out[0].as<float>(), n);
}

}  // namespace cairn
