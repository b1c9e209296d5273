// rmsprop: a gradient divided by the root of its running mean square, over the flat buffers;
// PyTorch's rule:
//
//   g' = g + weight_decay decay_multiplier p
//   v  = alpha v + (1 - alpha) g'^2
//   m  = momentum m + g' / (sqrt(v) + eps)
//   p  = p - lr rate_multiplier m
//   g  = 0, ready for the next accumulation
//
// parameters p, gradients g, mean square v, momentum m: plain (P), changed in place. begins (S+1)
// int64 and multipliers (S,2): kernels/sgd/segments.h. lr is StepState's. Errors: buffers of
// different sizes, a wrong table, an alpha of 1. Source: Tieleman and Hinton 2012, lecture 6.5.
#pragma once

#include <cmath>

#include "core/op.h"

namespace cairn {

namespace rmsprop_attr {
enum { alpha, eps, momentum, weight_decay };
}

/// What is the same for all elements of an update.
template <class Real>
struct RmspropStep {
  Real alpha, rest, epsilon, momentum, decay;

  explicit RmspropStep(const Attrs& a)
      : alpha(static_cast<Real>(a.real(rmsprop_attr::alpha))),
        rest(static_cast<Real>(1 - a.real(rmsprop_attr::alpha))),
        epsilon(static_cast<Real>(a.real(rmsprop_attr::eps))),
        momentum(static_cast<Real>(a.real(rmsprop_attr::momentum))),
        decay(static_cast<Real>(a.real(rmsprop_attr::weight_decay))) {}

  CAIRN_HD void operator()(Real& p, Real& g, Real& v, Real& m, Real rate, Real decays) const {
    const Real gradient = g + decay * decays * p;
    v = alpha * v + rest * gradient * gradient;
    m = momentum * m + gradient / (std::sqrt(v) + epsilon);
    p -= rate * m;
    g = 0;
  }
};

template <class Real>
void rmsprop_ref(const Args& args);

void rmsprop_cpu(const Args& args);

void rmsprop_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
