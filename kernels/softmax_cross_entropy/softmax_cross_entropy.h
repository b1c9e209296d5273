// Softmax and the cross-entropy of its probabilities with the true classes, together for stability.
//
//   p_k = exp(x_k - max x) / sum_j exp(x_j - max x)
//   loss = (1/n) sum over examples of log(sum_j exp(x_j - max x)) - (x_label - max x)
//   softmax_cross_entropy_grad:  dx_k = (p_k - [k = label]) dloss / n
//
// logits x (K) and labels (scalar int32 in [0,K)) of each example; loss and correct plain scalars,
// summed over the batch; probabilities (K). `correct` counts the examples whose largest logit, the
// first of equals, is their label's. n is the number of real examples for reduction=mean, 1 for
// reduction=sum; spare lanes count in neither sum and get zero gradient. Errors: a label outside
// [0,K): on the CPU an Error, on CUDA a NaN loss. Source: Bridle 1990, "Probabilistic
// interpretation of feedforward classification network outputs".
#pragma once

#include "core/op.h"

namespace cairn {

namespace softmax_cross_entropy_attr {
enum { reduction };
}
enum class Reduction : int { mean = 0, sum = 1 };

/// 1/n of the reduction.
CAIRN_HD inline double loss_scale(Reduction reduction, const StepState& step) {
  return reduction == Reduction::mean ? step.inverse_count() : 1.0;
}

inline Reduction reduction_of(const Args& args) {
  return static_cast<Reduction>(args.attrs->integer(softmax_cross_entropy_attr::reduction));
}

/// An Error where `label` is no class; `example` is its place in the batch.
void expect_label(int64_t label, int64_t classes, int64_t example);

template <class Real>
void softmax_cross_entropy_ref(const Args& args);
template <class Real>
void softmax_cross_entropy_grad_ref(const Args& args);

void softmax_cross_entropy_cpu(const Args& args);
void softmax_cross_entropy_grad_cpu(const Args& args);

void softmax_cross_entropy_cuda(const Args& args, CudaContext& context);
void softmax_cross_entropy_grad_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
