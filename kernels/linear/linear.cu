// On CUDA a batch is one slice, so that a layer is the product of matrices of its formula: cuBLAS
// does it, and a kernel of ours adds bias and activation. Spare columns of dy are zero and add
// nothing to dw.
#include "core/cuda/cublas.h"
#include "core/cuda/launch.h"
#include "kernels/linear/epilogue.cuh"
#include "kernels/linear/linear.h"

namespace cairn {

void linear_cuda(const Args& args, CudaContext& context) {
  const Tensor &x = args.in[0], &w = args.in[1], &b = args.in[2], &y = args.out[0];
  const int64_t n = x.batch.width;
  cublas(context).gemm(false, false, y.features, n, x.features, w.as<float>(), x.features,
                       x.as<float>(), n, 0, y.as<float>(), n);
  launch_epilogue(context, y.as<float>(), b.as<float>(), n, y.elements(),
                  static_cast<Activation>(args.attrs->integer(linear_attr::activation)));
}

void linear_dx_cuda(const Args& args, CudaContext& context) {
  const Tensor &dy = args.in[0], &w = args.in[1], &dx = args.out[0];
  const int64_t n = dx.batch.width;
  cublas(context).gemm(true, false, dx.features, n, dy.features, w.as<float>(), dx.features,
                       dy.as<float>(), n, 0, dx.as<float>(), n);
}

void linear_dw_cuda(const Args& args, CudaContext& context) {
  const Tensor &x = args.in[0], &dy = args.in[1], &dw = args.out[0];
  const int64_t n = x.batch.width;
  cublas(context).gemm(false, true, dy.features, x.features, n, dy.as<float>(), n, x.as<float>(), n,
                       1, dw.as<float>(), x.features);
}

}  // namespace cairn
