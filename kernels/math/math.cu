// On CUDA the batch is one slice, so a tensor is one run of features x width floats. The function
// is the same for all threads, so choosing it in the kernel costs nothing beside the memory
// traffic.
#include "core/cuda/context.h"
#include "core/cuda/elements.cuh"
#include "kernels/math/math.h"

namespace cairn {
namespace {

// One thread four elements: 4 bytes read and 4 written each.
__global__ void math_kernel(MathFunction f, MathAttrs<float> attrs, const float* x, float* y,
                            int64_t n) {
  map_elements([&](float a) { return evaluate(f, a, attrs); }, n, y, x);
}

// One thread four elements: 8 bytes read and 4 written each.
__global__ void math_grad_kernel(MathFunction f, MathAttrs<float> attrs, const float* v,
                                 const float* dy, float* dx, int64_t n) {
  map_elements([&](float a, float da) { return evaluate_grad(f, a, da, attrs); }, n, dx, v, dy);
}

}  // namespace

template <MathFunction f>
void math_cuda(const Args& args, CudaContext& context) {
  const int64_t n = args.out[0].elements();
  launch(math_kernel,
         Grid{.grid = blocks_for_elements(n), .block = kThreads, .stream = context.stream}, f,
         MathAttrs<float>(args), args.in[0].as<float>(), args.out[0].as<float>(), n);
}

template <MathFunction f>
void math_grad_cuda(const Args& args, CudaContext& context) {
  const int64_t n = args.out[0].elements();
  launch(math_grad_kernel,
         Grid{.grid = blocks_for_elements(n), .block = kThreads, .stream = context.stream}, f,
         MathAttrs<float>(args), args.in[0].as<float>(), args.in[1].as<float>(),
         args.out[0].as<float>(), n);
}

template void math_cuda<MathFunction::neg>(const Args&, CudaContext&);
template void math_cuda<MathFunction::exp>(const Args&, CudaContext&);
template void math_cuda<MathFunction::log>(const Args&, CudaContext&);
template void math_cuda<MathFunction::square>(const Args&, CudaContext&);
template void math_cuda<MathFunction::sqrt>(const Args&, CudaContext&);
template void math_cuda<MathFunction::abs>(const Args&, CudaContext&);
template void math_cuda<MathFunction::clamp>(const Args&, CudaContext&);
template void math_cuda<MathFunction::scale>(const Args&, CudaContext&);
template void math_grad_cuda<MathFunction::exp>(const Args&, CudaContext&);
template void math_grad_cuda<MathFunction::log>(const Args&, CudaContext&);
template void math_grad_cuda<MathFunction::square>(const Args&, CudaContext&);
template void math_grad_cuda<MathFunction::sqrt>(const Args&, CudaContext&);
template void math_grad_cuda<MathFunction::abs>(const Args&, CudaContext&);
template void math_grad_cuda<MathFunction::clamp>(const Args&, CudaContext&);

}  // namespace cairn
