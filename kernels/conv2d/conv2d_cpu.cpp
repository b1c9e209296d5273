// Indirect convolution on slices [channel][row][column][examples]: no columns are made, lanes are
// the examples at a run of places of a row, and a register tile of output channels walks the kernel
// over x where it lies.
// The gradient with respect to x is the same product with w and dy exchanged in their roles.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv2d/conv2d_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include <algorithm>
#include <numeric>

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv2d/conv2d_window.h"
#include "kernels/linear/product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

/// The kernel taps of one axis at a place: taps first, first + step, ... (count of them), reading
/// the source at `source`, which may lie outside, and moving `source_step` a tap.
struct Taps {
  int64_t first = 0, count = 0, step = 1, source = 0, source_step = 0;

  Taps inside(int64_t places) const {
    Taps taps = *this;
    const auto outside = [places](int64_t place) { return place < 0 || place >= places; };
    for (; taps.count > 0 && outside(taps.source); --taps.count)
      taps.first += step, taps.source += source_step;
    while (taps.count > 0 && outside(taps.source + (taps.count - 1) * source_step)) --taps.count;
    return taps;
  }
  /// What they touch.
  Span reach() const {
    if (count == 0) return {};
    const int64_t last = source + (count - 1) * source_step;
    return {std::min(source, last), std::max(source, last) + 1};
  }
};

/// Forward: output place p reads inputs p S - P + i D.
Taps forward_taps(int64_t p, int64_t stride, int64_t pad, int64_t dilation, int64_t kernel) {
  return {0, kernel, 1, p * stride - pad, dilation};
}

/// Backward: input place h is read by outputs p with p S = h + P - i D, for the taps i where p is
/// whole.
Taps backward_taps(int64_t h, int64_t stride, int64_t pad, int64_t dilation, int64_t kernel) {
  Taps taps;
  taps.step = stride / std::gcd(stride, dilation);
  taps.source_step = -taps.step * dilation / stride;
  const auto whole = [&](int64_t i) { return (h + pad - i * dilation) % stride == 0; };
  while (taps.first < std::min(kernel, taps.step) && !whole(taps.first)) ++taps.first;
  if (taps.first >= std::min(kernel, taps.step)) return taps;
  taps.count = (kernel - taps.first + taps.step - 1) / taps.step;
  taps.source = (h + pad - taps.first * dilation) / stride;
  return taps;
}

/// Places that read the same taps, `step` apart, each `source_step` source columns after the one
/// before.
struct Run {
  int64_t place = 0, places = 0, step = 1, source_step = 1;
  Taps taps;

  /// Takes place k where it goes on like this.
  bool take(int64_t k, const Taps& next) {
    if (next.count != taps.count || next.first != taps.first || next.step != taps.step)
      return false;
    if (places == 1) step = k - place, source_step = next.source - taps.source;
    if (k != place + places * step || next.source != taps.source + places * source_step)
      return false;
    ++places;
    return true;
  }
};

/// One direction of the product. Its source is x, or dy where it makes dx.
struct Direction {
  ProductTile tile;     // loops[0]: source channels; the others are set by the taps
  int64_t outputs = 0;  // channels in a group
  int64_t kernel_w = 0;
  Planes source;
};

constexpr int64_t kMostPlaces = 32;  // of a row, taken at a time

/// Columns [q, q + places) of the output.
class Strip {
 public:
  template <class ColumnTaps>
  Strip(const Direction& dir, int64_t q, int64_t places, bool padded, ColumnTaps column_taps)
      : dir_(dir) {
    for (int64_t k = q; k < q + places; ++k) {
      const Taps all = column_taps(k), taps = padded ? all : all.inside(dir.source.columns.end);
      columns_ = span_of_both(columns_, taps.reach());
      const auto takes = [&](Run& run) { return run.take(k, taps); };
      if (std::none_of(runs_, runs_ + count_, takes)) runs_[count_++] = {k, 1, 1, 1, taps};
    }
  }

  const Span& columns() const { return columns_; }
  /// Products of vectors for a row, of a source channel and an output channel.
  int64_t work() const {
    const auto lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>()));
    int64_t work = 0;
    for (int64_t k = 0; k < count_; ++k)
      work += (runs_[k].places * dir_.source.width + lanes - 1) / lanes * runs_[k].taps.count;
    return work;
  }
  /// Elements of a row of what it reads.
  int64_t row() const { return columns_.size() * dir_.source.width; }

  /// The sums over the tile's channels for a row of places, `taps` inside `source`.
  void product(ProductTile tile, const Taps& taps, const float* w, const Planes& source,
               float* y) const {
    tile.loops[0].x = source.plane;
    tile.loops[1] = {taps.count, taps.step * dir_.kernel_w, taps.source_step * source.row};
    for (int64_t k = 0; k < count_; ++k) {
      const Run& run = runs_[k];
      tile.loops[2] = {run.taps.count, run.taps.step, run.taps.source_step * source.width};
      product_places(tile, dir_.outputs, run.places, source.width, run.source_step * source.width,
                     run.step * source.width, w + taps.first * dir_.kernel_w + run.taps.first,
                     source.at(0, taps.source, run.taps.source), y + run.place * source.width);
    }
  }

 private:
  const Direction& dir_;
  Run runs_[kMostPlaces];
  int64_t count_ = 0;
  Span columns_;  // of the source that are read
};

/// The rows of a strip, as many at a time as a window of their source holds for all channels. Where
/// it doesn't hold one row, the channels are taken in parts.
template <class RowTaps>
void convolve_windows(const Direction& dir, const Strip& strip, int64_t rows, RowTaps row_taps,
                      const float* w, float* y, int64_t y_row, float* memory) {
  const ProductLoop& channels = dir.tile.loops[0];
  const auto floats = [&](const Span& reach) { return reach.size() * strip.row(); };
  for (int64_t p = 0, end; p < rows; p = end) {
    Span reach = row_taps(p).reach();
    for (end = p + 1; end < rows; ++end) {
      const Span more = span_of_both(reach, row_taps(end).reach());
      if (channels.count * floats(more) > kWindowFloats) break;
      reach = more;
    }
    ProductTile tile = dir.tile;
    const int64_t most = kWindowFloats / std::max<int64_t>(1, floats(reach));
    for (int64_t c = 0; c < channels.count; c += tile.loops[0].count) {
      tile.loops[0].count = even_part(channels.count - c, most);
      tile.adds = c > 0;
      tile.activation =
          c + tile.loops[0].count < channels.count ? Activation::none : dir.tile.activation;
      const Planes window =
          gather(dir.source, c, tile.loops[0].count, reach, strip.columns(), memory);
      for (int64_t k = p; k < end; ++k)
        strip.product(tile, row_taps(k), w + c * channels.w, window, y + k * y_row);
    }
  }
}

/// All places of a group. `row_taps(p)` and `column_taps(q)` give the taps of a place.
template <class RowTaps, class ColumnTaps>
void convolve(const Direction& dir, int64_t rows, int64_t columns, RowTaps row_taps,
              ColumnTaps column_taps, const float* w, float* y) {
  constexpr int64_t kPlaneUnit = 4096;  // bytes from a place to the next in its set of the cache
  HWY_ALIGN float memory[kWindowFloats];
  const Planes& source = dir.source;
  const auto rows_inside = [&](int64_t p) { return row_taps(p).inside(source.rows.end); };
  Span tallest;
  for (int64_t p = 0; p < rows; ++p) {
    const Span reach = rows_inside(p).reach();
    if (reach.size() > tallest.size()) tallest = reach;
  }
  const bool crowded = source.plane * int64_t{sizeof(float)} % kPlaneUnit == 0;
  for (int64_t q = 0, places; q < columns; q += places) {
    places = even_part(columns - q, kMostPlaces);
    const Strip padded(dir, q, places, true, column_taps);
    const Strip exact(dir, q, places, false, column_taps);
    // Zeros beside the columns make one run of a row; they may be too many (LeNet-5's C3 to the
    // data: 40% more products).
    const bool pads = (padded.columns().begin < 0 || padded.columns().end > source.columns.end) &&
                      4 * padded.work() < 5 * exact.work();
    const int64_t least = tallest.size() * padded.row();
    if ((pads || crowded) && least > 0 && least <= kWindowFloats) {
      convolve_windows(dir, padded, rows, rows_inside, w, y, columns * source.width, memory);
      continue;
    }
    for (int64_t p = 0; p < rows; ++p)
      exact.product(dir.tile, rows_inside(p), w, source, y + p * columns * source.width);
  }
}

void conv2d(const Args& args) {
  const Tensor &x = args.in[0], &w = args.in[1], &b = args.in[2], &y = args.out[0];
  const ConvShape s(x.shape, w.shape, y.shape, *args.attrs);
  const int64_t width = x.batch.width;
  Direction dir;
  dir.outputs = s.cout_group(), dir.kernel_w = s.kw;
  dir.tile.loops[0] = {s.cin_group(), s.kh * s.kw};
  dir.tile.w_row = s.depth(), dir.tile.y_row = s.oh * s.ow * width;
  dir.tile.activation = static_cast<Activation>(args.attrs->integer(conv2d_attr::activation));
  const auto rows = [&](int64_t p) { return forward_taps(p, s.stride_h, s.pad_h, s.dil_h, s.kh); };
  const auto columns = [&](int64_t q) {
    return forward_taps(q, s.stride_w, s.pad_w, s.dil_w, s.kw);
  };
  for (int64_t k = 0; k < x.batch.slices * s.groups; ++k) {
    const int64_t slice = k / s.groups, g = k % s.groups;
    dir.tile.bias = b.data ? b.as<float>() + g * dir.outputs : nullptr;
    dir.source = planes_of(x, slice, g * s.cin_group());
    convolve(dir, s.oh, s.ow, rows, columns, w.as<float>() + g * dir.outputs * s.depth(),
             y.slice<float>(slice) + g * dir.outputs * s.oh * s.ow * width);
  }
}

void conv2d_dx(const Args& args) {
  const Tensor &dy = args.in[0], &w = args.in[1], &dx = args.out[0];
  const ConvShape s(dx.shape, w.shape, dy.shape, *args.attrs);
  const int64_t width = dx.batch.width, taps = s.kh * s.kw;
  Direction dir;
  dir.outputs = s.cin_group(), dir.kernel_w = s.kw;
  dir.tile.loops[0] = {s.cout_group(), s.depth()};
  dir.tile.w_row = taps, dir.tile.y_row = s.h * s.w * width;
  const auto rows = [&](int64_t h) { return backward_taps(h, s.stride_h, s.pad_h, s.dil_h, s.kh); };
  const auto columns = [&](int64_t v) {
    return backward_taps(v, s.stride_w, s.pad_w, s.dil_w, s.kw);
  };
  for (int64_t k = 0; k < dx.batch.slices * s.groups; ++k) {
    const int64_t slice = k / s.groups, g = k % s.groups;
    dir.source = planes_of(dy, slice, g * s.cout_group());
    convolve(dir, s.h, s.w, rows, columns, w.as<float>() + g * s.cout_group() * s.depth(),
             dx.slice<float>(slice) + g * dir.outputs * s.h * s.w * width);
  }
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(conv2d);
HWY_EXPORT(conv2d_dx);

void conv2d_cpu(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0];
  if (winograd_serves(ConvShape(x.shape, args.in[1].shape, y.shape, *args.attrs), x.batch.width))
    return conv2d_winograd_cpu(args);
  HWY_DYNAMIC_DISPATCH(conv2d)(args);
}

void conv2d_dx_cpu(const Args& args) {
  const Tensor &dy = args.in[0], &dx = args.out[0];
  if (winograd_serves(ConvShape(dx.shape, args.in[1].shape, dy.shape, *args.attrs), dx.batch.width))
    return conv2d_dx_winograd_cpu(args);
  HWY_DYNAMIC_DISPATCH(conv2d_dx)(args);
}

}  // namespace cairn
#endif
