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
// permuted_index).
// With `window` = W > 0 the examples are streamed: images (W B,C,H,W) holds W batches of at most B
// examples in the epoch's order, of which number (epoch ceil(M / B) + first / B) mod W is the
// present one; labels (M) are those of all examples. mean and std hold up to 4 channels, pixels
// scaled to 0..1. Errors: images of another rank than 4, more than 4 channels, labels of another
// count, images that are no whole window.
#pragma once

#include "core/op.h"

namespace cairn {

namespace gather_batch_attr {
enum { shuffle, padding, mean, std, window };
}
inline constexpr int kMaxChannels = 4;

/// The example of the data that example `n` of the batch shows; -1 in an empty batch.
CAIRN_HD inline int64_t gathered_row(const StepState& step, PhiloxKey key, bool shuffle, int64_t n,
                                     int64_t count) {
  if (step.n_valid <= 0) return -1;
  const int64_t position = step.first + (n < step.n_valid ? n : step.n_valid - 1);
  return shuffle ? permuted_index(key, static_cast<uint64_t>(step.epoch), position, count)
                 : position;
}

/// The place of the present batch in a window, of `count` examples in batches.
CAIRN_HD inline int64_t window_slot(const StepState& step, int64_t count, int64_t batch,
                                    int64_t window) {
  const int64_t an_epoch = (count + batch - 1) / batch;
  return (step.epoch * an_epoch + step.first / batch) % window;
}

/// Where `images`, of `held` examples, has what example `n` of the batch shows: example `row` of
/// the `count` in the data.
CAIRN_HD inline int64_t image_row(const StepState& step, int64_t row, int64_t n, int64_t count,
                                  int64_t held, int64_t window) {
  if (window == 0 || row < 0) return row;
  const int64_t batch = held / window;
  return window_slot(step, count, batch, window) * batch +
         (n < step.n_valid ? n : step.n_valid - 1);
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
