// On CUDA the batch is one slice, so a tensor is one run of features x width floats.
#include "core/cuda/context.h"
#include "core/cuda/elements.cuh"
#include "kernels/round_bf16/round_bf16.h"

namespace cairn {
namespace {

// One thread four elements: 4 bytes read and 4 written each.
__global__ void round_bf16_kernel(const float* x, float* y, int64_t n) {
  map_elements([](float v) { return round_bf16(v); }, n, y, x);
}

}  // namespace

void round_bf16_cuda(const Args& args, CudaContext& context) {
  const int64_t n = args.out[0].elements();
  launch(round_bf16_kernel,
         {.grid = blocks_for_elements(n), .block = kThreads, .stream = context.stream},
         args.in[0].as<float>(), args.out[0].as<float>(), n);
}

}  // namespace cairn
