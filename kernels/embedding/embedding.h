// embedding: rows of a table, one for each index, and the gradient of the table.
//
//   embedding:       y[..., d] = weight[index[...], d]
//   embedding_grad:  dweight[v, d] += sum of dy[..., d] over the examples and places with index v
//
// weight, dweight plain (V,D); index batched int32 (...), y and dy batched (...,D). embedding_grad
// takes `num_embeddings`, V. Spare lanes are left out of the sum; their y is finite. An index
// outside 0 to V - 1 is an Error on the CPU; CUDA, which can't report it, gives NaN and leaves it
// out of the gradient. Errors: weight of another rank than 2, shapes that don't fit. Source:
// Bengio, Ducharme, Vincent and Jauvin 2003, "A neural probabilistic language model".
#pragma once

#include "core/op.h"

namespace cairn {

namespace embedding_attr {
enum { num_embeddings };
}

template <class Real>
void embedding_ref(const Args& args);
template <class Real>
void embedding_grad_ref(const Args& args);

void embedding_cuda(const Args& args, CudaContext& context);
void embedding_grad_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
