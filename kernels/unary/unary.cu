// On CUDA the batch is one slice, so a tensor is one run of features x width floats.
#include "core/cuda/context.h"
#include "core/cuda/elements.cuh"
#include "kernels/unary/unary.h"

namespace cairn {
namespace {

// One thread four elements: 4 bytes read and 4 written each.
template <Activation a>
__global__ void unary_kernel(const float* x, float* y, int64_t n) {
  map_elements([](float v) { return activate(a, v); }, n, y, x);
}

// One thread four elements: 8 bytes read and 4 written each.
template <Activation a>
__global__ void unary_grad_kernel(const float* y, const float* dy, float* dx, int64_t n) {
  map_elements([](float v, float dv) { return activate_grad(a, v, dv); }, n, dx, y, dy);
}

template <Activation a>
void launch_function(const Args& args, CudaContext& context) {
  const int64_t n = args.out[0].elements();
  launch(unary_kernel<a>,
         Grid{.grid = blocks_for_elements(n), .block = kThreads, .stream = context.stream},
         args.in[0].as<float>(), args.out[0].as<float>(), n);
}

template <Activation a>
void launch_gradient(const Tensor& y, const Tensor& dy, const Tensor& dx, CudaContext& context) {
  const int64_t n = dx.elements();
  launch(unary_grad_kernel<a>,
         Grid{.grid = blocks_for_elements(n), .block = kThreads, .stream = context.stream},
         y.as<float>(), dy.as<float>(), dx.as<float>(), n);
}

template <Activation a>
void launch_gradient(const Args& args, CudaContext& context) {
  launch_gradient<a>(args.in[0], args.in[1], args.out[0], context);
}

}  // namespace

void pass_activation_cuda(Activation a, const Tensor& y, const Tensor& dx, CudaContext& context) {
  if (dx.elements() == 0) return;
  if (a == Activation::relu) launch_gradient<Activation::relu>(y, dx, dx, context);
  if (a == Activation::tanh) launch_gradient<Activation::tanh>(y, dx, dx, context);
  if (a == Activation::sigmoid) launch_gradient<Activation::sigmoid>(y, dx, dx, context);
  if (a == Activation::scaled_tanh) launch_gradient<Activation::scaled_tanh>(y, dx, dx, context);
}

void relu_cuda(const Args& args, CudaContext& context) {
  launch_function<Activation::relu>(args, context);
}
void tanh_cuda(const Args& args, CudaContext& context) {
  launch_function<Activation::tanh>(args, context);
}
void sigmoid_cuda(const Args& args, CudaContext& context) {
  launch_function<Activation::sigmoid>(args, context);
}
void scaled_tanh_cuda(const Args& args, CudaContext& context) {
  launch_function<Activation::scaled_tanh>(args, context);
}
void relu_grad_cuda(const Args& args, CudaContext& context) {
  launch_gradient<Activation::relu>(args, context);
}
void tanh_grad_cuda(const Args& args, CudaContext& context) {
  launch_gradient<Activation::tanh>(args, context);
}
void sigmoid_grad_cuda(const Args& args, CudaContext& context) {
  launch_gradient<Activation::sigmoid>(args, context);
}
void scaled_tanh_grad_cuda(const Args& args, CudaContext& context) {
  launch_gradient<Activation::scaled_tanh>(args, context);
}

}  // namespace cairn
