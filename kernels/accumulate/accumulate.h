// acc += x, in place, for plain tensors of one shape: how a gradient or a metric is added to a
// state that persists. Where x is a sum over the batch that nobody else reads, the sum is made in
// acc directly and this node vanishes (core/fuse.h). Errors: different shapes.
#pragma once

#include "core/op.h"

namespace cairn {

template <class Real>
void accumulate_ref(const Args& args);

void accumulate_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
