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
#include "kernels/linear/product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

/// Which kernel taps of one axis touch data at a place: taps first, first + step, ... (count of
/// them), reading the source at `source` and moving `source_step` a tap.
struct Taps {
  int64_t first = 0, count = 0, step = 1, source = 0, source_step = 0;
};

/// Forward: output place p reads inputs p S - P + i D.
Taps forward_taps(int64_t p, int64_t stride, int64_t pad, int64_t dilation, int64_t kernel,
                  int64_t in) {
  const int64_t origin = p * stride - pad;
  const int64_t first = origin >= 0 ? 0 : (-origin + dilation - 1) / dilation;
  const int64_t last = origin >= in ? 0 : (in - origin + dilation - 1) / dilation;
  const int64_t end = std::min(kernel, last);
  return {first, std::max<int64_t>(0, end - first), 1, origin + first * dilation, dilation};
}

/// Backward: input place h is read by outputs p with p S = h + P - i D, for the taps i where p is
/// whole.
Taps backward_taps(int64_t h, int64_t stride, int64_t pad, int64_t dilation, int64_t kernel,
                   int64_t out) {
  Taps taps;
  taps.step = stride / std::gcd(stride, dilation);
  taps.source_step = -taps.step * dilation / stride;
  for (int64_t i = 0; i < kernel; ++i) {
    const int64_t reach = h + pad - i * dilation;
    if (reach < 0 || reach % stride != 0 || reach / stride >= out) continue;
    if (taps.count++ == 0) taps.first = i, taps.source = reach / stride;
  }
  return taps;
}

/// What taps touch: source places [begin, end) of one axis, for neighbouring places of the output.
struct Reach {
  int64_t begin = 0, end = 0;

  Reach(const Taps& t, int64_t places) {
    const int64_t last = t.source + (t.count - 1) * t.source_step;
    if (t.count > 0) begin = std::min(t.source, last), end = std::max(t.source, last) + places;
  }
  int64_t size() const { return end - begin; }
};

/// Neighbouring places that read the same taps, each one source column after the one before.
struct Run {
  int64_t place = 0, places = 0;
  Taps taps;

  bool takes(const Taps& next) const {
    return next.count == taps.count && next.first == taps.first && next.step == taps.step &&
           next.source == taps.source + places;
  }
};

/// One direction of the product. Its source is x, or dy where it makes dx.
struct Direction {
  ProductTile tile;      // loops[0]: source channels; the others are set by the taps
  int64_t rows = 0;      // outputs (channels) in a group
  int64_t kernel_w = 0;  // taps of a kernel row
  int64_t source_h = 0, source_w = 0;
  int64_t width = 0;  // examples

  int64_t source_row() const { return source_w * width; }
  int64_t source_plane() const { return source_h * source_row(); }
};

constexpr int64_t kMostPlaces = 32;   // of a row, taken at a time
constexpr int64_t kPlaneUnit = 4096;  // bytes from a place to the next in its set of the cache
constexpr int64_t kWindowFloats = 1 << 14;  // of source channels brought together

/// Places [q, q + places) of the output's rows.
class Strip {
 public:
  template <class ColumnTaps>
  Strip(const Direction& dir, int64_t q, int64_t places, ColumnTaps column_taps) : dir_(dir) {
    for (int64_t k = q; k < q + places; ++k) {
      const Taps taps = column_taps(k);
      if (count_ == 0 || !runs_[count_ - 1].takes(taps)) runs_[count_++] = {k, 0, taps};
      ++runs_[count_ - 1].places;
    }
    begin_ = dir.source_w, end_ = 0;
    for (int64_t k = 0; k < count_; ++k) {
      const Reach reach(runs_[k].taps, runs_[k].places);
      if (reach.size() > 0)
        begin_ = std::min(begin_, reach.begin), end_ = std::max(end_, reach.end);
    }
  }

  /// One row of places. Where planes are multiples of kPlaneUnit, the same place of all channels
  /// shares a set of the cache and they drive each other out: what the row reads is copied side by
  /// side then, of as many channels at a time as fit `memory`.
  void row(const Taps& taps, const float* w, const float* x, float* y, float* memory) const {
    const Reach rows(taps, 1);
    const int64_t window = rows.size() * (end_ - begin_) * dir_.width;
    const bool crowded = dir_.source_plane() * int64_t{sizeof(float)} % kPlaneUnit == 0;
    const int64_t most = crowded && window > 0 ? kWindowFloats / window : 0;
    const ProductLoop& channels = dir_.tile.loops[0];
    if (most == 0)
      return product(dir_.tile, taps, w, x + taps.source * dir_.source_row(), dir_.source_row(), 0,
                     y);
    ProductTile tile = dir_.tile;
    tile.loops[0].x = window;
    for (int64_t c = 0; c < channels.count; c += tile.loops[0].count) {
      tile.loops[0].count = even_part(channels.count - c, most);
      tile.adds = c > 0;
      tile.activation =
          c + tile.loops[0].count < channels.count ? Activation::none : dir_.tile.activation;
      gather(rows, x + c * channels.x, tile.loops[0].count, memory);
      const int64_t row = (end_ - begin_) * dir_.width;
      product(tile, taps, w + c * channels.w, memory + (taps.source - rows.begin) * row, row,
              begin_, y);
    }
  }

 private:
  void gather(const Reach& rows, const float* x, int64_t channels, float* to) const {
    const int64_t length = (end_ - begin_) * dir_.width;
    for (int64_t c = 0; c < channels; ++c, x += dir_.source_plane())
      for (int64_t r = rows.begin; r < rows.end; ++r, to += length)
        std::copy_n(x + r * dir_.source_row() + begin_ * dir_.width, length, to);
  }

  /// The sums over the tile's channels. `x` is the first tap's row of the source, whose rows are
  /// `row` apart and begin with column `begin`.
  void product(ProductTile tile, const Taps& taps, const float* w, const float* x, int64_t row,
               int64_t begin, float* y) const {
    tile.loops[1] = {taps.count, taps.step * dir_.kernel_w, taps.source_step * row};
    for (int64_t k = 0; k < count_; ++k) {
      const Run& run = runs_[k];
      tile.loops[2] = {run.taps.count, run.taps.step, run.taps.source_step * dir_.width};
      product_run(hn::ScalableTag<float>(), tile, dir_.rows, run.places * dir_.width,
                  w + taps.first * dir_.kernel_w + run.taps.first,
                  x + (run.taps.source - begin) * dir_.width, y + run.place * dir_.width);
    }
  }

  const Direction& dir_;
  Run runs_[kMostPlaces];
  int64_t count_ = 0;
  int64_t begin_ = 0, end_ = 0;  // source columns that are read
};

/// All places of a group. `row_taps(p)` and `column_taps(q)` give the taps of a place.
template <class RowTaps, class ColumnTaps>
void convolve(const Direction& dir, int64_t rows, int64_t columns, RowTaps row_taps,
              ColumnTaps column_taps, const float* w, const float* x, float* y) {
  HWY_ALIGN float memory[kWindowFloats];
  for (int64_t q = 0, places; q < columns; q += places) {
    places = even_part(columns - q, kMostPlaces);
    const Strip strip(dir, q, places, column_taps);
    for (int64_t p = 0; p < rows; ++p)
      strip.row(row_taps(p), w, x, y + p * columns * dir.width, memory);
  }
}

void conv2d(const Args& args) {
  const Tensor &x = args.in[0], &w = args.in[1], &b = args.in[2], &y = args.out[0];
  const ConvShape s(x.shape, w.shape, y.shape, *args.attrs);
  const int64_t width = x.batch.width;
  Direction dir;
  dir.rows = s.cout_group(), dir.kernel_w = s.kw;
  dir.source_h = s.h, dir.source_w = s.w;
  dir.width = width;
  dir.tile.loops[0] = {s.cin_group(), s.kh * s.kw, s.h * s.w * width};
  dir.tile.w_row = s.depth(), dir.tile.y_row = s.oh * s.ow * width;
  dir.tile.activation = static_cast<Activation>(args.attrs->integer(conv2d_attr::activation));
  const auto rows = [&](int64_t p) {
    return forward_taps(p, s.stride_h, s.pad_h, s.dil_h, s.kh, s.h);
  };
  const auto columns = [&](int64_t q) {
    return forward_taps(q, s.stride_w, s.pad_w, s.dil_w, s.kw, s.w);
  };
  for (int64_t k = 0; k < x.batch.slices * s.groups; ++k) {
    const int64_t slice = k / s.groups, g = k % s.groups;
    dir.tile.bias = b.data ? b.as<float>() + g * dir.rows : nullptr;
    convolve(dir, s.oh, s.ow, rows, columns, w.as<float>() + g * dir.rows * s.depth(),
             x.slice<float>(slice) + g * s.cin_group() * s.h * s.w * width,
             y.slice<float>(slice) + g * dir.rows * s.oh * s.ow * width);
  }
}

void conv2d_dx(const Args& args) {
  const Tensor &dy = args.in[0], &w = args.in[1], &dx = args.out[0];
  const ConvShape s(dx.shape, w.shape, dy.shape, *args.attrs);
  const int64_t width = dx.batch.width, taps = s.kh * s.kw;
  Direction dir;
  dir.rows = s.cin_group(), dir.kernel_w = s.kw;
  dir.source_h = s.oh, dir.source_w = s.ow;
  dir.width = width;
  dir.tile.loops[0] = {s.cout_group(), s.depth(), s.oh * s.ow * width};
  dir.tile.w_row = taps, dir.tile.y_row = s.h * s.w * width;
  const auto rows = [&](int64_t h) {
    return backward_taps(h, s.stride_h, s.pad_h, s.dil_h, s.kh, s.oh);
  };
  const auto columns = [&](int64_t v) {
    return backward_taps(v, s.stride_w, s.pad_w, s.dil_w, s.kw, s.ow);
  };
  for (int64_t k = 0; k < dx.batch.slices * s.groups; ++k) {
    const int64_t slice = k / s.groups, g = k % s.groups;
    convolve(dir, s.h, s.w, rows, columns, w.as<float>() + g * s.cout_group() * s.depth(),
             dy.slice<float>(slice) + g * s.cout_group() * s.oh * s.ow * width,
             dx.slice<float>(slice) + g * dir.rows * s.h * s.w * width);
  }
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(conv2d);
HWY_EXPORT(conv2d_dx);

void conv2d_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(conv2d)(args); }
void conv2d_dx_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(conv2d_dx)(args); }

}  // namespace cairn
#endif
