// Stochastic gradient descent with momentum over the flat buffers, PyTorch's rule:
//
//   g' = g + weight_decay decay_multiplier p
//   m  = momentum m + g'
//   p  = p - lr rate_multiplier m;    with `nesterov`: p - lr rate_multiplier (g' + momentum m)
//   g  = 0, ready for the next accumulation
//
// parameters p, gradients g, momentum m: plain (P), changed in place. begins (S+1) int64 and
// multipliers (S,2): kernels/sgd/segments.h. lr is StepState's. Errors: buffers of different sizes,
// a wrong table, `nesterov` without momentum. Sources: Polyak 1964 (momentum); Nesterov 1983 and
// Sutskever, Martens, Dahl and Hinton 2013 (the gradient looks ahead).
#pragma once

#include "core/op.h"

namespace cairn {

namespace sgd_attr {
enum { momentum, weight_decay, nesterov };
}

template <class Real>
void sgd_ref(const Args& args);

void sgd_cpu(const Args& args);

void sgd_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
