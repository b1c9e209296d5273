// The layer is a product on [features][N] matrices, all three ways round: cuBLAS's, or where it is
// small our own (linear_small.h). A batched tensor on CUDA is one slice. Bytes: each matrix at
// least once.
#include "core/cuda/cublas.h"
#include "kernels/bias/bias.h"
#include "kernels/linear/bias_activation.cuh"
#include "kernels/linear/linear.h"
#include "kernels/linear/linear_small.h"

namespace cairn {
namespace {

/// to[row][n] = from[row][n], zero in spare lanes. A thread an element; 8 bytes each.
__global__ void real_lanes_kernel(const float* from, int64_t elements, int64_t n,
                                  const StepState* step, int64_t first, float* to) {
  const int64_t valid = step->valid_lanes(first, n);
  for (const int64_t i : grid_stride(elements)) to[i] = i % n < valid ? from[i] : 0.0f;
}

}  // namespace

void linear_cuda(const Args& args, CudaContext& context) {
  const Tensor& x = args.in[0];   // (in,N)
  const Tensor& w = args.in[1];   // (out,in)
  const Tensor& b = args.in[2];   // (out), or absent
  const Tensor& y = args.out[0];  // (out,N)
  const int64_t in = x.features, out = y.features, n = y.batch.width;
  if (linear_is_small(out * n, in)) return linear_small(args, context);
  gemm(context, false, false, out, n, in, 1, w.as<float>(), in, x.as<float>(), n, 0, y.as<float>(),
       n);
  const auto act = static_cast<Activation>(args.attrs->integer(linear_attr::activation));
  bias_activation(context, y.as<float>(), b.as<float>(), act, out, n);
}

void linear_dx_cuda(const Args& args, CudaContext& context) {
  const Tensor& dy = args.in[0];   // (out,N)
  const Tensor& w = args.in[1];    // (out,in)
  const Tensor& dx = args.out[0];  // (in,N)
  const int64_t in = dx.features, out = dy.features, n = dx.batch.width;
  if (linear_is_small(in * n, out)) return linear_dx_small(args, context);
  gemm(context, true, false, in, n, out, 1, w.as<float>(), in, dy.as<float>(), n, 0, dx.as<float>(),
       n);
  pass_activation_cuda(static_cast<Activation>(args.attrs->integer(linear_attr::activation)),
                       args.in[2], dx, context);
}

/// Spare lanes are zero in a copy of dy and finite in x, so they add nothing.
void linear_dw_cuda(const Args& args, CudaContext& context) {
  const Tensor& x = args.in[0];    // (in,N)
  const Tensor& dy = args.in[1];   // (out,N)
  const Tensor& dw = args.out[0];  // (out,in)
  const int64_t in = x.features, out = dy.features, n = x.batch.width;
  if (linear_is_small(in * out, n)) return linear_dw_small(args, context);
  auto* const real = static_cast<float*>(args.workspace);  // (out,N)
  launch(real_lanes_kernel,
         {.grid = blocks_for(out * n), .block = dim3(kThreads), .stream = context.stream},
         dy.as<float>(), out * n, n, args.step, args.first, real);
  gemm(context, false, true, out, in, n, 1, real, n, x.as<float>(), n, 1, dw.as<float>(), in);
  make_bias_grad(args, dy, args.out[1], [&](const Args& of) { bias_grad_cuda(of, context); });
}

}  // namespace cairn
