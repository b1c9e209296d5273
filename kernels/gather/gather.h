// Elements picked by an index along one axis, and the gradient of that.
//
//   gather:       y[i][j][k] = x[index[i][j][k]][j][k] for dim = 0, likewise along other axes
//   gather_grad:  dx[index[i][j][k]][j][k] += dy[i][j][k], from zero, in the order of dy
//
// All are plain; index int32, of x's rank and, but along `dim`, at most x's sizes; y and dy have
// its shape. gather_grad also takes `input_size`, the shape of x; its own gradient is gather. An
// index outside the axis is an Error on the CPU; CUDA, which can't report it, gathers NaN and
// leaves it out of the gradient. Errors: scalars, other ranks, sizes above x's, `dim` out of range.
// Source: torch.gather.
#pragma once

#include "core/op.h"

namespace cairn {

namespace gather_attr {
enum { dim, input_size };
}

/// The way from an element of the index to x, and back.
struct GatherShape {
  int rank = 0, dim = 0;
  int64_t index[kMaxRank] = {}, x[kMaxRank] = {};  // sizes
  int64_t index_step = 1, x_step = 1;              // elements between neighbours along dim

  GatherShape(const Shape& index_shape, const Shape& x_shape, int axis)
      : rank(x_shape.rank()), dim(axis) {
    for (int k = 0; k < rank; ++k) index[k] = index_shape[k], x[k] = x_shape[k];
    for (int k = dim + 1; k < rank; ++k) index_step *= index[k], x_step *= x[k];
  }
  /// The element of x that stands in index element e's place, at 0 along dim.
  CAIRN_HD int64_t line_of_x(int64_t e) const {
    int64_t at = 0, step = 1;
    for (int k = rank - 1; k >= 0; --k) {
      if (k != dim) at += e % index[k] * step;
      e /= index[k];
      step *= x[k];
    }
    return at;
  }
  /// The index element in the place of element e of x, at 0 along dim; -1 where there is none.
  CAIRN_HD int64_t line_of_index(int64_t e) const {
    int64_t at = 0, step = 1;
    for (int k = rank - 1; k >= 0; --k) {
      const int64_t i = k == dim ? 0 : e % x[k];
      if (i >= index[k]) return -1;
      at += i * step;
      e /= x[k];
      step *= index[k];
    }
    return at;
  }
};

template <class Real>
void gather_ref(const Args& args);
template <class Real>
void gather_grad_ref(const Args& args);

void gather_cuda(const Args& args, CudaContext& context);
void gather_grad_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
