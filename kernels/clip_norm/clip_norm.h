// clip_norm: shrinks a flat buffer of gradients whose Euclidean norm is above a limit, PyTorch's
// clip_grad_norm_:
//
//   norm = sqrt(sum of g^2)        g = g min(1, max_norm / (norm + 1e-6))
//
// gradients g: plain (P), changed in place; norm: a scalar, before the clipping. A norm that is NaN
// makes every gradient NaN. The squares are added in float64, in an order that P alone fixes.
// Errors: gradients that aren't flat, a max_norm that isn't positive. Source: Pascanu, Mikolov and
// Bengio 2013, "On the difficulty of training recurrent neural networks".
#pragma once

#include <cmath>

#include "core/op.h"

namespace cairn {

namespace clip_norm_attr {
enum { max_norm };
}

/// What gradients of that norm are multiplied by.
CAIRN_HD inline double clip_factor(double norm, double max_norm) {
  const double factor = max_norm / (norm + 1e-6);
  return factor > 1 ? 1 : factor;
}

template <class Real>
void clip_norm_ref(const Args& args);

void clip_norm_cpu(const Args& args);

void clip_norm_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
