// y = a + b, element by element. a and b have one type, batched or plain; both gradients are dy.
// Errors: different shapes or layouts. Autodiff emits it where a value is used more than once.
#pragma once

#include "core/op.h"

namespace cairn {

template <class Real>
void add_ref(const Args& args);

void add_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
