// The cube of each element, and its gradient:
//
//   cube:       y = x^3
//   cube_grad:  dx = 3 x^2 dy
//
// Any shape, batched or plain. Errors: x and dy of different types.
#pragma once

#include "core/op.h"

namespace cairn {

template <class Real>
void cube_ref(const Args& args);
template <class Real>
void cube_grad_ref(const Args& args);

void cube_cuda(const Args& args, CudaContext& context);
void cube_grad_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
