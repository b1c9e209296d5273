// A table of 256 values for each channel, and rows of images written side by side: a lane of a
// slice is one image, so a pixel position of all lanes is one line of memory.
#include <algorithm>

#include "kernels/gather_batch/gather_batch.h"

namespace cairn {
namespace {

constexpr int64_t kLaneRun = 32;

/// The normalised value of each pixel of channel c; table[0] is that of the padding.
void make_table(const Attrs& a, int c, float* table) {
  const auto mean = static_cast<float>(a.real(gather_batch_attr::mean, c));
  const auto std = static_cast<float>(a.real(gather_batch_attr::std, c));
  for (int i = 0; i < 256; ++i) table[i] = (static_cast<float>(i) / 255 - mean) / std;
}

/// Channel c of `lanes` images into the lanes at `to`, a pixel position every `width` elements.
void gather_plane(const Tensor& images, const int64_t* rows, int64_t lanes, int64_t c, int64_t pad,
                  const float* table, float* to, int64_t width) {
  const int64_t h = images.shape[2], w = images.shape[3], out_w = w + 2 * pad;
  const uint8_t* planes[kLaneRun];
  for (int64_t n = 0; n < lanes; ++n)
    planes[n] = images.as<uint8_t>() + (rows[n] * images.shape[1] + c) * h * w;
  for (int64_t y = -pad; y < h + pad; ++y)
    for (int64_t x = -pad; x < w + pad; ++x) {
      float* line = to + ((y + pad) * out_w + x + pad) * width;
      if (y < 0 || y >= h || x < 0 || x >= w)
        std::fill_n(line, lanes, table[0]);
      else
        for (int64_t n = 0; n < lanes; ++n) line[n] = table[planes[n][y * w + x]];
    }
}

/// What an empty batch shows: pixels 0 and label 0.
void fill_empty(const Args& args) {
  const Tensor &x = args.out[0], &label = args.out[1];
  const int64_t run = x.shape[1] * x.shape[2] * x.batch.width;
  float table[256];
  for (int64_t s = 0; s < x.batch.slices; ++s) {
    std::fill_n(label.slice<int32_t>(s), x.batch.width, 0);
    for (int64_t c = 0; c < x.shape[0]; ++c) {
      make_table(*args.attrs, static_cast<int>(c), table);
      std::fill_n(x.slice<float>(s) + c * run, run, table[0]);
    }
  }
}

}  // namespace

void gather_batch_cpu(const Args& args) {
  if (args.step->n_valid <= 0) return fill_empty(args);
  using namespace gather_batch_attr;
  const Tensor &images = args.in[0], &labels = args.in[1], &x = args.out[0], &label = args.out[1];
  const int64_t width = x.batch.width, plane = x.shape[1] * x.shape[2];
  float table[256];
  int64_t rows[kLaneRun];
  for (int64_t s = 0; s < x.batch.slices; ++s)
    for (int64_t lane = 0; lane < width; lane += kLaneRun) {
      const int64_t lanes = std::min(kLaneRun, width - lane);
      for (int64_t n = 0; n < lanes; ++n) {
        rows[n] = gathered_row(*args.step, args.key, args.attrs->flag(shuffle),
                               args.first + s * width + lane + n, images.shape[0]);
        label.slice<int32_t>(s)[lane + n] = labels.as<uint8_t>()[rows[n]];
      }
      for (int64_t c = 0; c < x.shape[0]; ++c) {
        make_table(*args.attrs, static_cast<int>(c), table);
        gather_plane(images, rows, lanes, c, args.attrs->integer(padding), table,
                     x.slice<float>(s) + c * plane * width + lane, width);
      }
    }
}

}  // namespace cairn
