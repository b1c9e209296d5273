#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/accumulate/accumulate.h"

namespace cairn {
namespace {

// One thread an element: 8 bytes read, 4 written.
__global__ void accumulate_kernel(float* acc, const float* x, int64_t n) {
  const int64_t stride = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n; i += stride)
    acc[i] += x[i];
}

}  // namespace

void accumulate_cuda(const Args& args, CudaContext& context) {
  const int64_t n = args.in[0].features;
  launch(accumulate_kernel,
         Grid{.grid = blocks_for(n), .block = kThreads, .stream = context.stream},
         args.in[0].as<float>(), args.in[1].as<float>(), n);
}

}  // namespace cairn
