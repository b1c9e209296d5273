// On CUDA the batch is one slice, so a tensor is one run of features x width floats.
#include "core/cuda/context.h"
#include "core/cuda/elements.cuh"
#include "kernels/residual_add/residual_add.h"
#include "kernels/unary/unary.h"

namespace cairn {
namespace {

// One thread four elements: 8 bytes read and 4 written each.
__global__ void residual_add_kernel(Activation act, const float* a, const float* b, float* y,
                                    int64_t n) {
  map_elements([&](float v, float w) { return activate(act, v + w); }, n, y, a, b);
}

}  // namespace

void residual_add_cuda(const Args& args, CudaContext& context) {
  const int64_t n = args.out[0].elements();
  launch(residual_add_kernel,
         Grid{.grid = blocks_for_elements(n), .block = kThreads, .stream = context.stream},
         static_cast<Activation>(args.attrs->integer(0)), args.in[0].as<float>(),
         args.in[1].as<float>(), args.out[0].as<float>(), n);
}

}  // namespace cairn
