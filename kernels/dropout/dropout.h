// Dropout: each element is zeroed with probability p and the others are scaled up, so that the mean
// stays.
//
//   dropout:       mask = 1 with probability 1 - p, else 0;   y = x mask / (1 - p)
//   dropout_grad:  dx = dy mask / (1 - p)
//
// x, y, dy, dx float of any shape, batched or plain; mask uint8 of the same shape. p = 1 gives
// zeros. The random numbers are Philox's (core/random.h), keyed by seed and node and counted by the
// step and the element's index in PyTorch's order, so that masks are equal on every device and in
// every layout. The op always drops: a graph for inference leaves it out. Errors: p outside 0 to 1;
// mask and dy of different shapes. Source: Srivastava, Hinton, Krizhevsky, Sutskever and
// Salakhutdinov 2014, "Dropout: a simple way to prevent neural networks from overfitting".
#pragma once

#include "core/op.h"

namespace cairn {

namespace dropout_attr {
enum { p };
}

/// Whether the element of that random word stays.
CAIRN_HD inline bool dropout_keeps(uint32_t word, float p) { return to_unit(word) >= p; }

/// What a kept element is multiplied by: 1 / (1 - p).
template <class Real>
Real dropout_scale(double p) {
  return p < 1 ? static_cast<Real>(1 / (1 - p)) : Real{0};
}

template <class Real>
void dropout_ref(const Args& args);
template <class Real>
void dropout_grad_ref(const Args& args);

void dropout_cpu(const Args& args);
void dropout_grad_cpu(const Args& args);

void dropout_cuda(const Args& args, CudaContext& context);
void dropout_grad_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
