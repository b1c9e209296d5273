// residual_add: the end of a residual block, the sum of its branch and its shortcut with an
// activation function.
//
//   y = f(a + b)        da = db = dy f'(a + b), by relu_grad from y
//
// f is `activation`: none or relu, as in linear. A relu node that alone reads the sum vanishes into
// it. Any shape, batched or plain; nothing is broadcast. Errors: a and b of different types.
// Source: He et al. 2015, "Deep residual learning for image recognition".
#pragma once

#include "core/op.h"

namespace cairn {

template <class Real>
void residual_add_ref(const Args& args);
void residual_add_cpu(const Args& args);
void residual_add_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
