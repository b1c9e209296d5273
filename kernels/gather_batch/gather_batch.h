// Lays out a batch from examples in memory: order, padding and normalisation in one pass.
//
//   gather_batch:     x[c,h,w] = (pixel[c,h-P,w-P] / 255 - mean[c]) / std[c]
//   gather_features:  x[c,h,w] = (value[c,h-P,w-P] - mean[c]) / std[c]
//
// where pixel = value = 0 outside the image. With `mean_image` (C,H,W), float, plain, mean[c] is
// mean_image[c,h-P,w-P] instead, 0 outside (He et al. 2015). `crop`, `flip`, `cutout`, `rotate`,
// `shift` and `elastic` change each example at random, anew in each epoch
// (kernels/gather_batch/augment.h): another pixel takes the place of [c,h-P,w-P], the mean stays.
// images (M,C,H,W), uint8 pixels or float32 values, and
// labels (M), uint8, plain; x (C,H+2P,W+2P) and label (scalar int32), batched.
// Example n of the batch is the one at position first + min(n, n_valid - 1) of the epoch's order:
// spare lanes repeat the last real example; an empty batch shows pixels 0 and label 0. The order is
// that of the data or, with `shuffle`, a permutation keyed by seed, node and epoch (core/random.h:
// permuted_index).
// With `window` = W > 0 the examples are streamed: images (W B,C,H,W) holds W batches of at most B
// examples in the epoch's order, of which number (epoch ceil(M / B) + first / B) mod W is the
// present one; labels (M) are those of all examples. mean and std hold up to 4 channels, pixels
// scaled to 0..1. Errors: images of another rank than 4, more than 4 channels, labels of another
// count, images that are no whole window, a mean_image of another shape, a crop or cutout as large
// as the image or larger (cutout: larger), an elastic grid of more than 32 nodes along an axis.
#pragma once

#include "core/op.h"
#include "kernels/gather_batch/augment.h"

namespace cairn {

namespace gather_batch_attr {
enum {
  shuffle,
  padding,
  mean,
  std,
  window,
  crop,
  flip,
  cutout,
  rotate,
  shift,
  elastic,
  elastic_grid
};
}
inline constexpr int kMaxChannels = 4;
inline constexpr int kMeanImage = 2;  // its position among the inputs

inline constexpr std::string_view kFlips[] = {"none", "random", "alternating"};
/// The attributes that change examples, last of the ops' attributes.
inline constexpr AttrDef kAugmentAttrs[] = {
    {.name = "crop", .max = 1 << 16},
    {.name = "flip", .type = AttrType::choice, .max = 2, .choices = kFlips},
    {.name = "cutout", .max = 1 << 16},
    {.name = "rotate", .type = AttrType::real, .max = 180},
    {.name = "shift", .type = AttrType::real, .max = 1e3},
    {.name = "elastic", .type = AttrType::real, .max = 1e3},
    {.name = "elastic_grid", .initial = 8, .min = 1, .max = 1 << 16}};

/// What a node's attributes ask for.
inline Augment augment_of(const Attrs& a, const Shape& images) {
  using namespace gather_batch_attr;
  return {.crop = a.integer(crop),
          .cutout = a.integer(cutout),
          .flip = static_cast<Flip>(a.integer(flip)),
          .rotate = a.real(rotate),
          .shift = a.real(shift),
          .elastic = a.real(elastic),
          .grid = a.integer(elastic_grid),
          .height = images[2],
          .width = images[3]};
}

/// How pixel (h, w) of a channel, scaled, becomes x.
template <class Real>
struct Normalize {
  Real mean[kMaxChannels], std[kMaxChannels];
  const Real* mean_image;  // or nullptr
  int64_t height, width;

  Normalize(const Attrs& a, const Tensor& mean_image, const Shape& images)
      : mean_image(mean_image.as<Real>()), height(images[2]), width(images[3]) {
    for (int c = 0; c < kMaxChannels; ++c) {
      mean[c] = static_cast<Real>(a.real(gather_batch_attr::mean, c));
      std[c] = static_cast<Real>(a.real(gather_batch_attr::std, c));
    }
  }
  CAIRN_HD Real mean_at(int64_t c, int64_t h, int64_t w) const {
    return mean_image ? pixel_at<Real>(mean_image + c * height * width, height, width, h, w)
                      : mean[c];
  }
  CAIRN_HD Real operator()(Real pixel, int64_t c, int64_t h, int64_t w) const {
    return (pixel - mean_at(c, h, w)) / std[c];
  }
};

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

template <class Real>
void gather_batch_ref(const Args& args);
template <class Real>
void gather_features_ref(const Args& args);

void gather_batch_cpu(const Args& args);
void gather_features_cpu(const Args& args);

void gather_batch_cuda(const Args& args, CudaContext& context);
void gather_features_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
