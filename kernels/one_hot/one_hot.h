// one_hot: labels as vectors with a one at the label's place.
//
//   y[..., k] = 1 where k = labels[...], else 0
//
// labels (...) int32, batched or plain; y (..., K) float, K = num_classes, which has to be given. A
// label outside 0 to K - 1 is an Error on the CPU, and a vector of zeros on CUDA, which can't
// report it. Labels have no gradient. Errors beside that: num_classes left out. Source:
// torch.nn.functional.one_hot.
#pragma once

#include "core/op.h"

namespace cairn {

namespace one_hot_attr {
enum { num_classes };
}

template <class Real>
void one_hot_ref(const Args& args);

void one_hot_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
