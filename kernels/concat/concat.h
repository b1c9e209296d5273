// concat: two tensors one after the other along the axis `dim`.
//
//   y[..., i, ...] = a[..., i, ...] for i < A, else b[..., i - A, ...]
//   da, db: slices of dy (kernels/slice)
//
// a and b, both plain or both batched, have equal sizes but for A and B along `dim`, which counts
// as in PyTorch: a batched tensor's axis 0 is the batch, which is refused. Errors: other sizes,
// other layouts, `dim` out of range. Source: torch.cat.
#pragma once

#include "core/op.h"

namespace cairn {

namespace concat_attr {
enum { dim };
}

template <class Real>
void concat_ref(const Args& args);

void concat_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
