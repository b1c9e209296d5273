// Keeps the loss and accuracy of a step in a ring on the device, read once per logging interval.
//
//   ring[step mod R] = (loss, correct / n_valid)
//
// or, with `share` and `later` of a step of several batches (kernels/step_state: batch_share),
// share times that, added to what is there where later isn't 0. Inputs are plain scalars, ring
// (R,2). `step` is the number of updates done before this step. Errors: a ring that is not (R,2)
// with R >= 1.
#pragma once

#include "core/op.h"

namespace cairn {

template <class Real>
void record_ref(const Args& args);

void record_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
