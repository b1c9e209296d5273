// accumulate: adds a gradient to the state that collects it, over any number of batches.
//
//   acc <- acc + x        acc, x plain, of one shape
//
// No output. Where x is a sum that nothing else reads, core/fuse.h lets the sum add to acc itself
// and this node vanishes. Errors: acc and x of different shapes. No derivative.
#pragma once

#include "core/op.h"

namespace cairn {

template <class Real>
void accumulate_ref(const Args& args);
void accumulate_cpu(const Args& args);
void accumulate_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
