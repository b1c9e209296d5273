#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/cube/cube.h"

namespace cairn {
namespace {

// One thread an element, coalesced: 4 bytes read and 4 written.
__global__ void cube_kernel(const float* x, float* y, int64_t n) {
  const int64_t stride = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n; i += stride)
    y[i] = x[i] * x[i] * x[i];
}

// One thread an element, coalesced: 8 bytes read and 4 written.
__global__ void cube_grad_kernel(const float* x, const float* dy, float* dx, int64_t n) {
  const int64_t stride = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n; i += stride)
    dx[i] = 3 * x[i] * x[i] * dy[i];
}

}  // namespace

void cube_cuda(const Args& args, CudaContext& context) {
  const int64_t n = args.in[0].elements();
  launch(cube_kernel, {.grid = blocks_for(n), .block = kThreads, .stream = context.stream},
         args.in[0].as<float>(), args.out[0].as<float>(), n);
}

void cube_grad_cuda(const Args& args, CudaContext& context) {
  const int64_t n = args.in[0].elements();
  launch(cube_grad_kernel, {.grid = blocks_for(n), .block = kThreads, .stream = context.stream},
         args.in[0].as<float>(), args.in[1].as<float>(), args.out[0].as<float>(), n);
}

}  // namespace cairn
