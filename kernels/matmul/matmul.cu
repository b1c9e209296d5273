// cuBLAS's product, once for each pair of matrices. Bytes: each matrix at least once.
#include "core/cuda/cublas.h"
#include "kernels/matmul/matmul.h"

namespace cairn {

void matmul_cuda(const Args& args, CudaContext& context) {
  const Tensor &a = args.in[0], &b = args.in[1];
  const MatmulShape s(a.shape, b.shape, *args.attrs);
  const bool ta = args.attrs->flag(matmul_attr::transpose_a);
  const bool tb = args.attrs->flag(matmul_attr::transpose_b);
  for (int64_t p = 0; p < s.count; ++p)
    gemm(context, ta, tb, s.m, s.n, s.k, 1, a.as<float>() + p * s.m * s.k, a.shape[-1],
         b.as<float>() + p * s.k * s.n, b.shape[-1], 0, args.out[0].as<float>() + p * s.m * s.n,
         s.n);
}

}  // namespace cairn
