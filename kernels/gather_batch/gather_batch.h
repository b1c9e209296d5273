// Lays out a batch from examples in memory: order, padding and normalisation in one pass.
//
//   gather_batch:     x[c,h,w] = (pixel[c,h-P,w-P] / 255 - mean[c]) / std[c]
//   gather_features:  x[c,h,w] = (value[c,h-P,w-P] - mean[c]) / std[c]
//
// where pixel = value = 0 outside the image. images (M,C,H,W), uint8 pixels or float32 values, and
// labels (M), uint8, plain; x (C,H+2P,W+2P) and label (scalar int32), batched.
// Example n of the batch is the one at position first + min(n, n_valid - 1) of the epoch's order:
// spare lanes repeat the last real example; an empty batch shows pixels 0 and label 0. The order is
// that of the data or, with `shuffle`, a permutation keyed by seed, node and epoch (core/random.h:
// permuted_index). mean and std hold up to 4 channels, pixels scaled to
// 0..1. Errors: images of
// another rank than 4, more than 4 channels, labels of another count.
#pragma once

#include "core/op.h"

namespace cairn {

namespace gather_batch_attr {
enum { shuffle, padding, mean, std };
}
inline constexpr int kMaxChannels = 4;

/// The row of `images` that example `n` of the batch shows; -1 in an empty batch.
CAIRN_HD inline int64_t gathered_row(const StepState& step, PhiloxKey key, bool shuffle, int64_t n,
                                     int64_t count) {
  if (step.n_valid <= 0) return -1;
  const int64_t position = step.first + (n < step.n_valid ? n : step.n_valid - 1);
  return shuffle ? permuted_index(key, static_cast<uint64_t>(step.epoch), position, count)
                 : position;
}

/// A stored number as it is normalised: pixels become 0..1.
template <class Real>
CAIRN_HD inline Real unscaled(uint8_t pixel) {
  return static_cast<Real>(pixel) / 255;
}
template <class Real>
CAIRN_HD inline Real unscaled(Real value) {
  return value;
}

template <class Real>
void gather_batch_ref(const Args& args);
template <class Real>
void gather_features_ref(const Args& args);

void gather_batch_cpu(const Args& args);
void gather_features_cpu(const Args& args);

void gather_batch_cuda(const Args& args, CudaContext& context);
void gather_features_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
