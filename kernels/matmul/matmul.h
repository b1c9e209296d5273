// matmul: the product of two matrices, or of two equally long rows of matrices.
//
//   y = op(a) op(b)        op(a) (...,M,K), op(b) (...,K,N), y (...,M,N)
//   da = dy op(b)', db = op(a)' dy, each transposed where its op transposes: matmuls too
//
// All are plain. op swaps a matrix's two axes where `transpose_a` or `transpose_b` is set. The
// leading dimensions must be equal: nothing is broadcast. K = 0 gives zeros. Errors: ranks below 2,
// other leading dimensions, sizes that don't fit. Source: torch.bmm (rows of matrices).
#pragma once

#include "core/op.h"

namespace cairn {

namespace matmul_attr {
enum { transpose_a, transpose_b };
}

/// `count` products of (m,k) by (k,n), dense one after the other. Element (i,j) of op(a) lies at
/// i a_row + j a_column, likewise of op(b).
struct MatmulShape {
  int64_t count = 1, m = 0, n = 0, k = 0;
  int64_t a_row = 0, a_column = 0, b_row = 0, b_column = 0;

  MatmulShape(const Shape& a, const Shape& b, const Attrs& attrs) {
    const bool ta = attrs.flag(matmul_attr::transpose_a), tb = attrs.flag(matmul_attr::transpose_b);
    for (int i = 0; i < a.rank() - 2; ++i) count *= a[i];
    m = a[ta ? -1 : -2], k = a[ta ? -2 : -1], n = b[tb ? -2 : -1];
    a_row = ta ? 1 : k, a_column = ta ? m : 1;
    b_row = tb ? 1 : n, b_column = tb ? k : 1;
  }
};

template <class Real>
void matmul_ref(const Args& args);

void matmul_cpu(const Args& args);

void matmul_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
