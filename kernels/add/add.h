// add: the sum of two tensors of one shape and layout, such as a block's output and its shortcut.
//
//   y = a + b        da = dy, db = dy
//
// Any shape, batched or plain; nothing is broadcast. Errors: a and b of different types. Source: He
// et al. 2015, "Deep residual learning for image recognition" (the shortcut).
#pragma once

#include "core/op.h"

namespace cairn {

template <class Real>
void add_ref(const Args& args);
void add_cpu(const Args& args);
void add_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
