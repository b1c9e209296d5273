// Layer normalisation: the last axes of each example, a row, get mean 0 and variance 1, then a
// scale and an offset that are learnt.
//
//   m  = mean of x over the n values of a row, v = their variance / n
//   xh = (x - m) / sqrt(v + eps)
//   y  = weight xh + bias
//
// With g = dy weight, means over a row and sums over rows and examples:
//
//   dx      = (g - mean g - xh mean(g xh)) / sqrt(v + eps)
//   dweight = sum dy xh      dbias = sum dy
//
// layer_norm            y, stats from x
// layer_norm_grad       dx
// layer_norm_grad_sums  dweight, dbias
//
// x, y of any rank from 1. A row is its last `dims` axes, PyTorch's normalized_shape: 0 means all
// axes of an example. weight and bias have those axes and may be absent (1 and 0). `stats` has the
// other axes and a last one of 3: m as two numbers whose sum it is, rounded and the rest, and
// 1/sqrt(v + eps). So a mean of 1e3 with deviation 1e-2 survives in float32: x less the rounded
// mean is exact. An example does not depend on others; spare ones are left out of the sums. Errors:
// scalars, more dims than axes, rows without values, other shapes.
//
// Source: Ba, Kiros and Hinton 2016, "Layer normalization"; attributes and the gradient's form
// after PyTorch's layer_norm.
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/softmax/softmax.h"

namespace cairn {

/// Positions of attributes: of all three ops, of layer_norm.
namespace layer_norm_attr {
constexpr int dims = 0, eps = 1;
}

/// Rows of a slice, as columns of memory.
struct LayerNormShape : Columns {
  LayerNormShape(const Shape& x, const Attrs& attrs, int64_t width) {
    const int64_t dims = attrs.integer(layer_norm_attr::dims);
    const int64_t first = dims == 0 ? 0 : x.rank() - dims;
    stride = width;
    for (int i = 0; i < x.rank(); ++i) (i < first ? outer : size) *= x[i];
  }
  LayerNormShape(const Args& args, const Tensor& x)
      : LayerNormShape(x.shape, *args.attrs, x.batch.width) {}

  /// Where the stats of the column that holds element i begin; they are `stride` apart.
  CAIRN_HD int64_t stats(int64_t i) const { return i / stride / size * 3 * stride + i % stride; }
};

/// What xh needs of a row.
template <class Real>
struct RowStats {
  Real shift = 0, rest = 0, inverse = 0;

  CAIRN_HD RowStats(double mean, double variance, double eps)
      : shift(static_cast<Real>(mean)),
        rest(static_cast<Real>(mean - shift)),
        inverse(static_cast<Real>(1 / std::sqrt(variance + eps))) {}
  CAIRN_HD RowStats(const Real* stats, int64_t stride)
      : shift(stats[0]), rest(stats[stride]), inverse(stats[2 * stride]) {}

  CAIRN_HD void store(Real* stats, int64_t stride) const {
    stats[0] = shift, stats[stride] = rest, stats[2 * stride] = inverse;
  }
  template <class T>
  CAIRN_HD T normalized(T x) const {
    return (x - shift - rest) * inverse;
  }
};

/// CUDA: columns that a block sums side by side, its threads taking their elements in turns.
constexpr int kNormColumns = 32;

/// CUDA: parts that a column's elements are summed in, so that few columns fill a card too.
inline int64_t layer_norm_parts(int64_t columns, int64_t size) {
  constexpr int64_t kElements = 256, kMostBlocks = 1024;
  const int64_t tiles = (columns + kNormColumns - 1) / kNormColumns;
  const int64_t most = std::max<int64_t>(1, kMostBlocks / std::max<int64_t>(1, tiles));
  return std::clamp<int64_t>(size / kElements, 1, most);
}

template <class Real>
void layer_norm_ref(const Args& args);
template <class Real>
void layer_norm_grad_ref(const Args& args);
template <class Real>
void layer_norm_grad_sums_ref(const Args& args);

void layer_norm_cpu(const Args& args);
void layer_norm_grad_cpu(const Args& args);
void layer_norm_grad_sums_cpu(const Args& args);

void layer_norm_cuda(const Args& args, CudaContext& context);
void layer_norm_grad_cuda(const Args& args, CudaContext& context);
void layer_norm_grad_sums_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
