#include "kernels/matmul/matmul.h"

namespace cairn {

template <class Real>
void matmul_ref(const Args& args) {
  const MatmulShape s(args.in[0].shape, args.in[1].shape, *args.attrs);
  for (int64_t p = 0; p < s.count; ++p) {
    const Real* a = args.in[0].as<Real>() + p * s.m * s.k;
    const Real* b = args.in[1].as<Real>() + p * s.k * s.n;
    Real* y = args.out[0].as<Real>() + p * s.m * s.n;
    for (int64_t i = 0; i < s.m; ++i)
      for (int64_t j = 0; j < s.n; ++j) {
        Real sum = 0;
        for (int64_t k = 0; k < s.k; ++k)
          sum += a[i * s.a_row + k * s.a_column] * b[k * s.b_row + j * s.b_column];
        y[i * s.n + j] = sum;
      }
  }
}

template void matmul_ref<float>(const Args&);
template void matmul_ref<double>(const Args&);

}  // namespace cairn
