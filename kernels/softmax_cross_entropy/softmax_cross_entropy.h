// Softmax and the cross-entropy of its probabilities with the true classes, together for stability.
//
//   p_k = exp(x_k - max x) / sum_j exp(x_j - max x)
//   t_k = (1 - s) [k = label] + s / K
//   loss = (1/n) sum over examples of log(sum_j exp(x_j - max x)) - sum_k t_k (x_k - max x)
//   softmax_cross_entropy_grad:  dx_k = (p_k - t_k) dloss / n
//
// The first makes the second's dx as well, its output `gradient`, where it is given dloss, its
// input `seed`. logits x (K) and labels (scalar int32 in [0,K)) of each example; loss and correct
// plain scalars, summed over the batch; probabilities (K). s is `label_smoothing`, 0 by default.
// `correct` counts the examples whose largest logit, the first of equals, is their label's. n is
// the number of real examples for reduction=mean, 1 for reduction=sum; spare lanes count in neither
// sum and get zero gradient. Errors: a label outside [0,K): on the CPU an Error, on CUDA a NaN
// loss. Sources: Bridle 1990, "Probabilistic interpretation of feedforward classification network
// outputs"; Szegedy et al. 2015, "Rethinking the Inception architecture for computer vision" (label
// smoothing).
#pragma once

#include "kernels/softmax_cross_entropy/reduction.h"

namespace cairn {

namespace softmax_cross_entropy_attr {
enum { reduction, label_smoothing };
}

/// The probabilities that are aimed at: `label` for the true class, `other` for each of the others.
template <class Real>
struct TargetProbabilities {
  Real label, other;

  TargetProbabilities(const Args& args, int64_t classes) {
    const double s = args.attrs->real(softmax_cross_entropy_attr::label_smoothing);
    const double each = s / static_cast<double>(classes);
    label = static_cast<Real>(1 - s + each);
    other = static_cast<Real>(each);
  }
};

/// CUDA: whether dlogits of so many elements is made by the kernel that makes the loss, one block
/// of threads; more take a launch of their own.
constexpr bool loss_makes_gradient(int64_t elements) { return elements <= int64_t{1} << 14; }

/// softmax_cross_entropy_grad's call for the gradient that softmax_cross_entropy makes, behind its
/// probabilities; `make` gets the arguments. Nothing without a seed.
template <class Make>
void make_gradient(const Args& args, Make make) {
  if (!args.in[2].data) return;
  const Tensor in[] = {args.out[2], args.in[1], args.in[2]};
  Args of_gradient = args;
  of_gradient.in = in, of_gradient.out = args.out + 3;
  make(of_gradient);
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
