// Rows of images written side by side: a lane of a slice is one image, so a pixel position of all
// lanes is one line of memory. Pixels of 8 bits are looked up in a table for each channel. Images
// that are moved by whole pixels go the same way; those that are warped are written one by one.
#include <algorithm>

#include "kernels/gather_batch/gather_batch.h"

namespace cairn {
namespace {

constexpr int64_t kLaneRun = 32;

/// How stored numbers become normalised values; zero() is what is outside.
template <class Number>
struct DirectMap {
  using Stored = Number;
  float mean, std;

  float operator()(Stored stored) const { return (unscaled<float>(stored) - mean) / std; }
  float zero() const { return (0 - mean) / std; }
};
struct TableMap {
  using Stored = uint8_t;
  float table[256];

  TableMap(float mean, float std) {
    for (int i = 0; i < 256; ++i) table[i] = (static_cast<float>(i) / 255 - mean) / std;
  }
  float operator()(uint8_t pixel) const { return table[pixel]; }
  float zero() const { return table[0]; }
};

/// The map at each position of a plane: one for all, or by the mean image.
template <class M>
struct OneMap {
  using Map = M;
  Map map;

  OneMap(const Normalize<float>& norm, int64_t c) : map{norm.mean[c], norm.std[c]} {}
  const Map& at(int64_t, int64_t) const { return map; }
};
template <class Stored>
struct PixelMaps {
  using Map = DirectMap<Stored>;
  const Normalize<float>& norm;
  int64_t c;

  PixelMaps(const Normalize<float>& normalize, int64_t channel) : norm(normalize), c(channel) {}
  Map at(int64_t h, int64_t w) const { return {norm.mean_at(c, h, w), norm.std[c]}; }
};

/// Some neighbouring lanes of a slice.
struct Lanes {
  int64_t count;
  int64_t rows[kLaneRun], places[kLaneRun];  // in the data; in `images`
  Moves moves[kLaneRun];
};

/// A plane of each image into the lanes at `to`, a position every `width` elements. Not inlined:
/// the inner loop needs its registers.
template <class Maps, class Stored>
[[gnu::noinline]] void lay_plane(const Stored* const* planes, int64_t lanes, const Augment& a,
                                 int64_t pad, const Maps& maps, float* to, int64_t width) {
  for (int64_t y = -pad; y < a.height + pad; ++y)
    for (int64_t x = -pad; x < a.width + pad; ++x, to += width) {
      const auto& map = maps.at(y, x);
      if (y < 0 || y >= a.height || x < 0 || x >= a.width)
        std::fill_n(to, lanes, map.zero());
      else
        for (int64_t n = 0; n < lanes; ++n) to[n] = map(planes[n][y * a.width + x]);
    }
}

/// The same of images that are cropped and mirrored: lane n is at column begin + step x of its row.
template <class Maps, class Stored>
[[gnu::noinline]] void lay_moved_plane(const Stored* const* planes, const Lanes& lanes,
                                       const Augment& a, int64_t pad, const Maps& maps, float* to,
                                       int64_t width) {
  const Stored* rows[kLaneRun];
  int64_t begin[kLaneRun], step[kLaneRun], size[kLaneRun];
  for (int64_t n = 0; n < lanes.count; ++n) {
    begin[n] = lanes.moves[n].column(a, 0);
    step[n] = lanes.moves[n].mirrored ? -1 : 1;
  }
  for (int64_t y = -pad; y < a.height + pad; ++y) {
    for (int64_t n = 0; n < lanes.count; ++n) {
      const int64_t row = lanes.moves[n].row(y);
      const bool inside = row >= 0 && row < a.height;
      rows[n] = planes[n] + (inside ? row : 0) * a.width;
      size[n] = inside ? a.width : 0;
    }
    for (int64_t x = -pad; x < a.width + pad; ++x, to += width) {
      const auto& map = maps.at(y, x);
      for (int64_t n = 0; n < lanes.count; ++n) {
        const int64_t at = begin[n] + step[n] * x;
        to[n] = at >= 0 && at < size[n] ? map(rows[n][at]) : map.zero();
      }
    }
  }
}

/// The field of example `row`, into `nodes`.
Field<float> draw_field(const Augment& a, const Args& args, int64_t row, float* nodes) {
  const Tensor& x = args.out[0];
  const int64_t across = field_axis(x.shape[2], a.grid);
  for (int64_t k = 0; a.elastic > 0 && k < field_axis(x.shape[1], a.grid) * across; ++k) {
    const Point<double> node = draw_node(a, args.key, args.step->epoch, row, k);
    nodes[2 * k] = static_cast<float>(node.y);
    nodes[2 * k + 1] = static_cast<float>(node.x);
  }
  return {nodes, 1, across};
}

/// All planes of one warped image into the lane at `to`.
template <class Stored>
void lay_warped(const Args& args, const Augment& a, const Normalize<float>& norm,
                const Stored* image, int64_t row, const Moves& moves, float* to, int64_t width) {
  const Tensor& x = args.out[0];
  const int64_t pad = args.attrs->integer(gather_batch_attr::padding);
  const int64_t plane = x.shape[1] * x.shape[2];
  float nodes[2 * kMaxField];
  const Change<float> change{moves, draw_turn<float>(a, args.key, args.step->epoch, row),
                             draw_field(a, args, row, nodes)};
  Point<float> columns[kMaxFieldAxis];  // of the field, at the present row
  for (int64_t h = -pad; h < a.height + pad; ++h) {
    if (a.elastic > 0)
      for (int64_t j = 0; j < change.field.across; ++j)
        columns[j] = change.field.column({h + pad, a.grid}, j);
    for (int64_t w = -pad; w < a.width + pad; ++w, to += width) {
      Point<float> at = change.turn(a, moves.row(h), moves.column(a, w));
      if (a.elastic > 0) {
        const Cell<float> cell(w + pad, a.grid);
        const Point<float> moved = cell.between([&](int64_t j) { return columns[cell.first + j]; });
        at.y += moved.y, at.x += moved.x;
      }
      for (int64_t c = 0; c < x.shape[0]; ++c)
        to[c * plane * width] =
            norm(pixel_about(image + c * a.height * a.width, a.height, a.width, at), c, h, w);
    }
  }
}

/// The square of an image that becomes the mean, in all planes of the lane at `to`.
void cut(const Tensor& x, const Augment& a, int64_t pad, const Moves& moves, float* to) {
  const int64_t top = std::max<int64_t>(moves.cut_top + pad, 0);
  const int64_t left = std::max<int64_t>(moves.cut_left + pad, 0);
  const int64_t bottom = std::min(moves.cut_top + pad + a.cutout, x.shape[1]);
  const int64_t right = std::min(moves.cut_left + pad + a.cutout, x.shape[2]);
  for (int64_t c = 0; c < x.shape[0]; ++c)
    for (int64_t h = top; h < bottom; ++h)
      for (int64_t w = left; w < right; ++w)
        to[((c * x.shape[1] + h) * x.shape[2] + w) * x.batch.width] = 0;
}

/// What an empty batch shows: pixels 0 and label 0.
void fill_empty(const Args& args, const Normalize<float>& norm) {
  const Tensor &x = args.out[0], &label = args.out[1];
  const int64_t pad = args.attrs->integer(gather_batch_attr::padding);
  for (int64_t s = 0; s < x.batch.slices; ++s) {
    std::fill_n(label.slice<int32_t>(s), x.batch.width, 0);
    for (int64_t f = 0; f < x.features; ++f) {
      const int64_t line = f / x.shape[2];
      const float value = norm(0, line / x.shape[1], line % x.shape[1] - pad, f % x.shape[2] - pad);
      std::fill_n(x.slice<float>(s) + f * x.batch.width, x.batch.width, value);
    }
  }
}

/// Looks up which examples lanes `first` to first + lanes.count - 1 of slice s show, and how.
void find_lanes(const Args& args, const Augment& a, int64_t s, int64_t first, Lanes& lanes) {
  using namespace gather_batch_attr;
  const Tensor &images = args.in[0], &labels = args.in[1], &label = args.out[1];
  for (int64_t n = 0; n < lanes.count; ++n) {
    const int64_t example = args.first + s * label.batch.width + first + n;
    const int64_t count = labels.shape[0];
    const int64_t row =
        gathered_row(*args.step, args.key, args.attrs->flag(shuffle), example, count);
    label.slice<int32_t>(s)[first + n] = labels.as<uint8_t>()[row];
    lanes.rows[n] = row;
    lanes.places[n] =
        image_row(*args.step, row, example, count, images.shape[0], args.attrs->integer(window));
    if (a.any()) lanes.moves[n] = draw_moves(a, args.key, args.step->epoch, row);
  }
}

/// The planes of all lanes at `to`.
template <class Maps>
void lay_planes(const Args& args, const Augment& a, const Normalize<float>& norm,
                const Lanes& lanes, float* to) {
  using Stored = typename Maps::Map::Stored;
  const Tensor &images = args.in[0], &x = args.out[0];
  const int64_t pad = args.attrs->integer(gather_batch_attr::padding);
  const int64_t plane = x.shape[1] * x.shape[2] * x.batch.width;
  for (int64_t c = 0; c < x.shape[0]; ++c) {
    const Stored* planes[kLaneRun];
    for (int64_t n = 0; n < lanes.count; ++n)
      planes[n] =
          images.as<Stored>() + (lanes.places[n] * images.shape[1] + c) * a.height * a.width;
    const Maps maps(norm, c);
    if (a.moves())
      lay_moved_plane(planes, lanes, a, pad, maps, to + c * plane, x.batch.width);
    else
      lay_plane(planes, lanes.count, a, pad, maps, to + c * plane, x.batch.width);
  }
}

template <class Map>
void gather(const Args& args) {
  using Stored = typename Map::Stored;
  const Tensor &images = args.in[0], &x = args.out[0];
  const Augment a = augment_of(*args.attrs, images.shape);
  const Normalize<float> norm(*args.attrs, args.in[kMeanImage], images.shape);
  if (args.step->n_valid <= 0) return fill_empty(args, norm);
  const int64_t width = x.batch.width, pad = args.attrs->integer(gather_batch_attr::padding);
  const int64_t image = images.shape[1] * a.height * a.width;
  Lanes lanes;
  for (int64_t s = 0; s < x.batch.slices; ++s)
    for (int64_t lane = 0; lane < width; lane += kLaneRun) {
      lanes.count = std::min(kLaneRun, width - lane);
      find_lanes(args, a, s, lane, lanes);
      float* to = x.slice<float>(s) + lane;
      if (!a.warps() && norm.mean_image)
        lay_planes<PixelMaps<Stored>>(args, a, norm, lanes, to);
      else if (!a.warps())
        lay_planes<OneMap<Map>>(args, a, norm, lanes, to);
      else
        for (int64_t n = 0; n < lanes.count; ++n)
          lay_warped(args, a, norm, images.as<Stored>() + lanes.places[n] * image, lanes.rows[n],
                     lanes.moves[n], to + n, width);
      for (int64_t n = 0; a.cutout > 0 && n < lanes.count; ++n)
        cut(x, a, pad, lanes.moves[n], to + n);
    }
}

}  // namespace

void gather_batch_cpu(const Args& args) { gather<TableMap>(args); }

void gather_features_cpu(const Args& args) { gather<DirectMap<float>>(args); }

}  // namespace cairn
