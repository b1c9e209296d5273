// A number added to every channel, and the sum that is its gradient.
//
//   bias:       y[c,...] = x[c,...] + b[c]
//   bias_grad:  db[c] += sum over examples and positions of dy[c,...]
//
// x, y, dy (C,...) of any rank from 1; b, db plain (C). Errors: scalars, another number of
// channels. Spare lanes are left out of the sum. Source: Rumelhart, Hinton and Williams 1986.
#pragma once

#include <algorithm>

#include "core/op.h"

namespace cairn {

/// CUDA: sums that a channel of `run` elements is split into, each a block's, so that few channels
/// fill a card too. They lie in the workspace until they are added up.
inline int64_t bias_grad_parts(int64_t channels, int64_t run) {
  constexpr int64_t kElements = 4096, kMostBlocks = 1024;
  const int64_t most = std::max<int64_t>(1, kMostBlocks / channels);
  return std::clamp<int64_t>(run / kElements, 1, most);
}

template <class Real>
void bias_ref(const Args& args);
template <class Real>
void bias_grad_ref(const Args& args);

void bias_grad_cpu(const Args& args);

void bias_cuda(const Args& args, CudaContext& context);
void bias_grad_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
