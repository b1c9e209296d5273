// A number added to every channel, and the sum that is its gradient.
//
//   bias:       y[c,...] = x[c,...] + b[c]
//   bias_grad:  db[c] += sum over examples and positions of dy[c,...]
//
// x, y, dy (C,...) of any rank from 1; b, db plain (C). Errors: scalars, another number of
// channels. Spare lanes are left out of the sum.
#pragma once

#include "core/op.h"

namespace cairn {

template <class Real>
void bias_ref(const Args& args);
template <class Real>
void bias_grad_ref(const Args& args);

void bias_grad_cpu(const Args& args);

void bias_cuda(const Args& args, CudaContext& context);
void bias_grad_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
