// Copies of a tensor with its axes in another order.
//
//   transpose:  axes dim0 and dim1 change places     gradient: transpose with the same two
//   permute:    axis i of y is axis dims[i] of x     gradient: permute with the inverse order
//
// x, y plain with any axes, or batched: then axis 0 is the batch and stays in its place. dims names
// every axis once. Errors: axes out of range or named twice, the batch moved. Source:
// torch.transpose and torch.permute.
#pragma once

#include <array>

#include "core/op.h"

namespace cairn {

namespace transpose_attr {
enum { dim0, dim1 };
}
namespace permute_attr {
enum { dims };
}

/// Axis i of one example of y is axis axes[i] of one of x.
using Axes = std::array<int, kMaxRank>;
Axes transpose_axes(const TensorType& x, const Attrs& attrs);
Axes permute_axes(const TensorType& x, const Attrs& attrs);

/// A slice of y as blocks of rows and columns: element (i,j) of a block lies at i + j column_in of
/// x and at i row_out + j of y. Blocks lie along the outer axes. Where the innermost axis of both
/// is the same, a block is one row, and column_in is 1.
struct Permutation {
  int outer = 0;
  int64_t size[kMaxRank + 1] = {}, in[kMaxRank + 1] = {}, out[kMaxRank + 1] = {};
  int64_t blocks = 1, rows = 1, columns = 1, row_out = 0, column_in = 1;

  /// The lanes of a slice, `width` of them, are the innermost axis of both.
  Permutation(const Shape& x, const Axes& axes, int64_t width);

  /// Where block b begins.
  CAIRN_HD void find(int64_t b, int64_t& from, int64_t& to) const {
    from = to = 0;
    for (int k = outer - 1; k >= 0; --k) {
      from += b % size[k] * in[k];
      to += b % size[k] * out[k];
      b /= size[k];
    }
  }
};

template <class Real>
void transpose_ref(const Args& args);
template <class Real>
void permute_ref(const Args& args);

void transpose_cpu(const Args& args);
void permute_cpu(const Args& args);

void transpose_cuda(const Args& args, CudaContext& context);
void permute_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
