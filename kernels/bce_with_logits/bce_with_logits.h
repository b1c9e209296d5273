// The cross-entropy of a yes or no with its logit, element by element.
//
//   bce_with_logits:              loss = (1/n) sum (1 - t) x + max(-x, 0) + log(1 + exp(-|x|))
//   bce_with_logits_grad:         dx = (sigmoid(x) - t) dloss / n
//   bce_with_logits_target_grad:  dt = -x dloss / n
//
// Logits x and targets t (probabilities, 0 to 1, not checked) of one shape; loss a plain scalar,
// summed over the elements of the batch: -t log p - (1 - t) log(1 - p) with p = sigmoid(x), in a
// form that doesn't overflow. n counts the elements of the real examples for reduction=mean, 1 for
// reduction=sum; spare lanes don't count and get zero gradient. Errors: x and t of different types.
// Source: Cox 1958, "The regression analysis of binary sequences".
#pragma once

#include <cmath>

#include "kernels/mse_loss/pointwise_loss.h"
#include "kernels/unary/unary.h"

namespace cairn {

struct BinaryCrossEntropy {
  static constexpr bool uses_target = true;

  template <class Real>
  CAIRN_HD static Real value(Real x, Real t) {
    return (1 - t) * x + (x < 0 ? -x : Real{0}) + std::log1p(std::exp(-std::abs(x)));
  }
  template <class Real>
  CAIRN_HD static Real slope(Real x, Real t) {
    return activate(Activation::sigmoid, x) - t;
  }
};

/// The slope towards the target.
struct BinaryCrossEntropyTarget {
  static constexpr bool uses_target = false;

  template <class Real>
  CAIRN_HD static Real slope(Real x, Real /*t*/) {
    return -x;
  }
};

template <class Real>
void bce_with_logits_ref(const Args& args);
template <class Real>
void bce_with_logits_grad_ref(const Args& args);
template <class Real>
void bce_with_logits_target_grad_ref(const Args& args);

void bce_with_logits_cpu(const Args& args);
void bce_with_logits_grad_cpu(const Args& args);
void bce_with_logits_target_grad_cpu(const Args& args);

void bce_with_logits_cuda(const Args& args, CudaContext& context);
void bce_with_logits_grad_cuda(const Args& args, CudaContext& context);
void bce_with_logits_target_grad_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
