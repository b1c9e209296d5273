// On CUDA the batch is one slice, so a tensor is one run of features x width floats.
#include "core/cuda/context.h"
#include "core/cuda/elements.cuh"
#include "kernels/activation/activation.h"

namespace cairn {
namespace {

// One thread four elements: 4 bytes read and 4 written each.
template <class F>
__global__ void activation_kernel(F function, const float* x, float* y, int64_t n) {
  map_elements([&](float v) { return function.value(v); }, n, y, x);
}

// One thread four elements: 8 bytes read and 4 written each.
template <class F>
__global__ void activation_grad_kernel(F function, const float* x, const float* dy, float* dx,
                                       int64_t n) {
  map_elements([&](float v, float dv) { return dv * function.derivative(v); }, n, dx, x, dy);
}

}  // namespace

template <class F>
void activation_cuda(const Args& args, CudaContext& context) {
  const int64_t n = args.out[0].elements();
  launch(activation_kernel<F>,
         Grid{.grid = blocks_for_elements(n), .block = kThreads, .stream = context.stream},
         F(*args.attrs), args.in[0].as<float>(), args.out[0].as<float>(), n);
}

template <class F>
void activation_grad_cuda(const Args& args, CudaContext& context) {
  const int64_t n = args.out[0].elements();
  launch(activation_grad_kernel<F>,
         Grid{.grid = blocks_for_elements(n), .block = kThreads, .stream = context.stream},
         F(*args.attrs), args.in[0].as<float>(), args.in[1].as<float>(), args.out[0].as<float>(),
         n);
}

template void activation_cuda<LeakyReluFunction<float>>(const Args&, CudaContext&);
template void activation_cuda<EluFunction<float>>(const Args&, CudaContext&);
template void activation_cuda<GeluFunction<float>>(const Args&, CudaContext&);
template void activation_cuda<SoftplusFunction<float>>(const Args&, CudaContext&);
template void activation_grad_cuda<LeakyReluFunction<float>>(const Args&, CudaContext&);
template void activation_grad_cuda<EluFunction<float>>(const Args&, CudaContext&);
template void activation_grad_cuda<GeluFunction<float>>(const Args&, CudaContext&);
template void activation_grad_cuda<SoftplusFunction<float>>(const Args&, CudaContext&);

}  // namespace cairn
