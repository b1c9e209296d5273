// On CUDA the batch is one slice, so a tensor is one run of features x width floats.
#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/activation/activation.h"

namespace cairn {
namespace {

// One thread an element: 4 bytes read, 4 written.
template <class F>
__global__ void activation_kernel(F function, const float* x, float* y, int64_t n) {
  for (const int64_t i : grid_stride(n)) y[i] = function.value(x[i]);
}

// One thread an element: 8 bytes read, 4 written.
template <class F>
__global__ void activation_grad_kernel(F function, const float* x, const float* dy, float* dx,
                                       int64_t n) {
  for (const int64_t i : grid_stride(n)) dx[i] = dy[i] * function.derivative(x[i]);
}

}  // namespace

template <class F>
void activation_cuda(const Args& args, CudaContext& context) {
  const int64_t n = args.out[0].elements();
  launch(activation_kernel<F>,
         Grid{.grid = blocks_for(n), .block = kThreads, .stream = context.stream}, F(*args.attrs),
         args.in[0].as<float>(), args.out[0].as<float>(), n);
}

template <class F>
void activation_grad_cuda(const Args& args, CudaContext& context) {
  const int64_t n = args.out[0].elements();
  launch(activation_grad_kernel<F>,
         Grid{.grid = blocks_for(n), .block = kThreads, .stream = context.stream}, F(*args.attrs),
         args.in[0].as<float>(), args.in[1].as<float>(), args.out[0].as<float>(), n);
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
