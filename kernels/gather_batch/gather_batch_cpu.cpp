// Rows of images written side by side: a lane of a slice is one image, so a pixel position of all
// lanes is one line of memory. Pixels of 8 bits are looked up in a table for each channel.
#include <algorithm>

#include "kernels/gather_batch/gather_batch.h"

namespace cairn {
namespace {

constexpr int64_t kLaneRun = 32;

/// How the stored numbers of a channel become normalised values; zero() is what padding becomes.
struct PixelMap {
  using Stored = uint8_t;
  float table[256];

  PixelMap(float mean, float std) {
    for (int i = 0; i < 256; ++i) table[i] = (static_cast<float>(i) / 255 - mean) / std;
  }
  float operator()(uint8_t pixel) const { return table[pixel]; }
  float zero() const { return table[0]; }
};
struct FeatureMap {
  using Stored = float;
  float mean, std;

  float operator()(float value) const { return (value - mean) / std; }
  float zero() const { return (0 - mean) / std; }
};

template <class Map>
Map map_of(const Attrs& a, int c) {
  return Map{static_cast<float>(a.real(gather_batch_attr::mean, c)),
             static_cast<float>(a.real(gather_batch_attr::std, c))};
}

/// Channel c of `lanes` images into the lanes at `to`, a pixel position every `width` elements.
template <class Map>
void gather_plane(const Tensor& images, const int64_t* rows, int64_t lanes, int64_t c, int64_t pad,
                  const Map& map, float* to, int64_t width) {
  using Stored = typename Map::Stored;
  const int64_t h = images.shape[2], w = images.shape[3], out_w = w + 2 * pad;
  const Stored* planes[kLaneRun];
  for (int64_t n = 0; n < lanes; ++n)
    planes[n] = images.as<Stored>() + (rows[n] * images.shape[1] + c) * h * w;
  for (int64_t y = -pad; y < h + pad; ++y)
    for (int64_t x = -pad; x < w + pad; ++x) {
      float* line = to + ((y + pad) * out_w + x + pad) * width;
      if (y < 0 || y >= h || x < 0 || x >= w)
        std::fill_n(line, lanes, map.zero());
      else
        for (int64_t n = 0; n < lanes; ++n) line[n] = map(planes[n][y * w + x]);
    }
}

/// What an empty batch shows: pixels 0 and label 0.
template <class Map>
void fill_empty(const Args& args) {
  const Tensor &x = args.out[0], &label = args.out[1];
  const int64_t run = x.shape[1] * x.shape[2] * x.batch.width;
  for (int64_t s = 0; s < x.batch.slices; ++s) {
    std::fill_n(label.slice<int32_t>(s), x.batch.width, 0);
    for (int64_t c = 0; c < x.shape[0]; ++c)
      std::fill_n(x.slice<float>(s) + c * run, run,
                  map_of<Map>(*args.attrs, static_cast<int>(c)).zero());
  }
}

template <class Map>
void gather_lanes(const Args& args) {
  if (args.step->n_valid <= 0) return fill_empty<Map>(args);
  using namespace gather_batch_attr;
  const Tensor &images = args.in[0], &labels = args.in[1], &x = args.out[0], &label = args.out[1];
  const int64_t width = x.batch.width, plane = x.shape[1] * x.shape[2];
  int64_t rows[kLaneRun];
  for (int64_t s = 0; s < x.batch.slices; ++s)
    for (int64_t lane = 0; lane < width; lane += kLaneRun) {
      const int64_t lanes = std::min(kLaneRun, width - lane);
      for (int64_t n = 0; n < lanes; ++n) {
        const int64_t example = args.first + s * width + lane + n, count = labels.shape[0];
        const int64_t row =
            gathered_row(*args.step, args.key, args.attrs->flag(shuffle), example, count);
        label.slice<int32_t>(s)[lane + n] = labels.as<uint8_t>()[row];
        rows[n] = image_row(*args.step, row, example, count, images.shape[0],
                            args.attrs->integer(window));
      }
      for (int64_t c = 0; c < x.shape[0]; ++c)
        gather_plane(images, rows, lanes, c, args.attrs->integer(padding),
                     map_of<Map>(*args.attrs, static_cast<int>(c)),
                     x.slice<float>(s) + c * plane * width + lane, width);
    }
}

}  // namespace

void gather_batch_cpu(const Args& args) { gather_lanes<PixelMap>(args); }

void gather_features_cpu(const Args& args) { gather_lanes<FeatureMap>(args); }

}  // namespace cairn
