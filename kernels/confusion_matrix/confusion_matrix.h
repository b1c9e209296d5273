// counts[t][p] += 1 for each real example of true class t whose largest logit, the first of equals,
// is that of class p.
//
// logits (K) and labels (scalar int32 in [0,K)) of each example; counts plain (K,K), summed over
// the batch, exact up to 2^24 in float32. Errors: a label outside [0,K) on the CPU; on CUDA it
// counts nowhere. Source: rows are true classes, as in scikit-learn's confusion_matrix.
#pragma once

#include "core/op.h"

namespace cairn {

template <class Real>
void confusion_matrix_ref(const Args& args);

void confusion_matrix_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
