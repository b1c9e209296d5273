#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/unary/unary.h"

namespace cairn {
namespace {

// One thread an element, coalesced: 4 bytes read and 4 written.
__global__ void unary_kernel(Activation a, const float* x, float* y, int64_t n) {
  const int64_t stride = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n; i += stride)
    y[i] = activate(a, x[i]);
}

// One thread an element, coalesced: 8 bytes read and 4 written.
__global__ void unary_grad_kernel(Activation a, const float* y, const float* dy, float* dx,
                                  int64_t n) {
  const int64_t stride = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n; i += stride)
    dx[i] = activate_grad(a, y[i], dy[i]);
}

void unary(Activation a, const Args& args, CudaContext& context) {
  const int64_t n = args.in[0].elements();
  launch(unary_kernel, {.grid = blocks_for(n), .block = kThreads, .stream = context.stream}, a,
         args.in[0].as<float>(), args.out[0].as<float>(), n);
}

void unary_grad(Activation a, const Args& args, CudaContext& context) {
  const int64_t n = args.in[0].elements();
  launch(unary_grad_kernel, {.grid = blocks_for(n), .block = kThreads, .stream = context.stream}, a,
         args.in[0].as<float>(), args.in[1].as<float>(), args.out[0].as<float>(), n);
}

}  // namespace

void relu_cuda(const Args& args, CudaContext& context) { unary(Activation::relu, args, context); }
void tanh_cuda(const Args& args, CudaContext& context) { unary(Activation::tanh, args, context); }
void sigmoid_cuda(const Args& args, CudaContext& context) {
  unary(Activation::sigmoid, args, context);
}
void relu_grad_cuda(const Args& args, CudaContext& context) {
  unary_grad(Activation::relu, args, context);
}
void tanh_grad_cuda(const Args& args, CudaContext& context) {
  unary_grad(Activation::tanh, args, context);
}
void sigmoid_grad_cuda(const Args& args, CudaContext& context) {
  unary_grad(Activation::sigmoid, args, context);
}

}  // namespace cairn
