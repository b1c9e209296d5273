// Adam over the flat buffers, PyTorch's rule with weight decay as an L2 term of the gradient, or,
// with `decoupled` (AdamW), as a shrinking of the parameters:
//
//   g' = g + weight_decay decay_multiplier p;    decoupled: g' = g,
//                                                p = p (1 - lr rate_multiplier weight_decay
//                                                decay_multiplier)
//   m  = beta1 m + (1 - beta1) g'         v = beta2 v + (1 - beta2) g'^2
//   p  = p - lr rate_multiplier (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)
//   g  = 0, ready for the next accumulation
//
// parameters p, gradients g, moments m and v: plain (P), changed in place. begins (S+1) int64 and
// multipliers (S,2): kernels/sgd/segments.h. lr and t = step are StepState's.
// Errors: buffers of different sizes, a wrong table, a beta of 1. Sources: Kingma and Ba 2015;
// Loshchilov and Hutter 2019, "Decoupled weight decay regularization".
#pragma once

#include <cmath>

#include "core/op.h"

namespace cairn {

namespace adam_attr {
enum { beta1, beta2, eps, weight_decay, decoupled };
}

/// What is the same for all elements of an update: `shrink` is the part of a parameter that
/// decoupled decay takes, `decay` the part that joins its gradient.
template <class Real>
struct AdamStep {
  Real beta1, beta2, rest1, rest2, epsilon, decay, shrink, rate, root_scale;

  CAIRN_HD AdamStep(double beta1, double beta2, double epsilon, double decay, bool decoupled,
                    const StepState& step)
      : beta1(static_cast<Real>(beta1)),
        beta2(static_cast<Real>(beta2)),
        rest1(static_cast<Real>(1 - beta1)),
        rest2(static_cast<Real>(1 - beta2)),
        epsilon(static_cast<Real>(epsilon)),
        decay(static_cast<Real>(decoupled ? 0 : decay)),
        shrink(static_cast<Real>(decoupled ? step.lr * decay : 0)),
        rate(static_cast<Real>(step.lr / (1 - pow(beta1, static_cast<double>(step.step))))),
        root_scale(static_cast<Real>(1 / sqrt(1 - pow(beta2, static_cast<double>(step.step))))) {}

  CAIRN_HD void operator()(Real& p, Real& g, Real& m, Real& v, Real rates, Real decays) const {
    const Real gradient = g + decay * decays * p;
    m = beta1 * m + rest1 * gradient;
    v = beta2 * v + rest2 * gradient * gradient;
    p -= shrink * rates * decays * p;
    p -= rate * rates * m / (std::sqrt(v) * root_scale + epsilon);
    g = 0;
  }
};

template <class Real>
void adam_ref(const Args& args);

void adam_cpu(const Args& args);

void adam_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
