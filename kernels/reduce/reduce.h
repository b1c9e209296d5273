// Reductions over axes, and broadcasting, which is the gradient of a sum.
//
//   sum:   y = sum of x over the axes `dim`
//   mean:  y = sum / number of terms
//   amax, amin:     y = the largest, or smallest, of them
//   extremum_grad:  dx = dy / ties where x = y, else 0: equal shares for ties (of amax and amin)
//   expand:         y = scale x, broadcast to `shape`
//
// Any shape, batched or plain; the examples of a batch stay apart. Names, defaults and axes are
// PyTorch's: `dim` is a list, none meaning all axes (of one example), and `shape` counts the batch,
// whose place holds -1; -1 leaves a size as it is. Unlike in PyTorch the axes of a batched x meet
// those of `shape` within the example. NaN wins in amax and amin, and 0 counts as above -0, so
// that no order of comparison matters. The sum of nothing is 0, its mean NaN. Sums are taken in an
// order that the shapes alone decide. Errors: axes that are out of range, the batch, or given
// twice; amax and amin of nothing; a `shape` that x can't be broadcast to. Source: PyTorch's
// documentation of torch.sum, mean, amax, amin and Tensor.expand; IEEE 754-2019, maximum.
#pragma once

#include <cmath>
#include <string_view>

#include "core/graph.h"
#include "core/op.h"
#include "kernels/reduce/walk.h"

namespace cairn {

enum class Reduce : int { sum, mean, amax, amin };

namespace reduce_attr {
enum { dim, keepdim };
}
namespace expand_attr {
enum { shape, scale };
}

/// The larger, or smaller, of two numbers.
template <bool kLargest, class Real>
CAIRN_HD Real extremum(Real a, Real b) {
  if (a != a || b != b) return a != a ? a : b;
  if (a == b) return std::signbit(a) == kLargest ? b : a;
  return (a > b) == kLargest ? a : b;
}

/// x's shape with ones in the place of the axes that are reduced.
Shape kept_shape(const TensorType& x, const Attrs& attrs);

/// How a slice of x is reduced: results in the order of `kept`, each over the places of `reduced`.
struct ReduceShape {
  Walk<1> kept, reduced;

  ReduceShape(const Tensor& x, const Attrs& attrs);
  /// Whether neighbours in memory belong to different results.
  bool lanes_kept() const { return kept.rank > 0 && kept.axes[kept.rank - 1].stride[0] == 1; }
};

// For gradient rules.

class GradientRule;
/// The sum of dy over the axes along which a tensor of shape `shape` was broadcast, in that shape.
Value sum_to(GradientRule& rule, Value dy, const Shape& shape);
/// scale x, broadcast to `shape`.
Value expand_to(GradientRule& rule, Value x, const Shape& shape, double scale = 1);

template <class Real, Reduce f>
void reduce_ref(const Args& args);
template <class Real>
void extremum_grad_ref(const Args& args);
template <class Real>
void expand_ref(const Args& args);

void sum_cpu(const Args& args);
void mean_cpu(const Args& args);
void amax_cpu(const Args& args);
void amin_cpu(const Args& args);
void extremum_grad_cpu(const Args& args);
void expand_cpu(const Args& args);

void sum_cuda(const Args& args, CudaContext& context);
void mean_cuda(const Args& args, CudaContext& context);
void amax_cuda(const Args& args, CudaContext& context);
void amin_cuda(const Args& args, CudaContext& context);
void extremum_grad_cuda(const Args& args, CudaContext& context);
void expand_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
