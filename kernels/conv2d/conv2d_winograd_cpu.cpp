// conv2d and conv2d_dx by minimal filtering (winograd-inl.h): the points of a block of tiles stay
// in the second-level cache between the transform of their source, sixteen products over its
// channels, and the transform that makes the outputs. The filters' points are made once a run, for
// all slices (OpDef::prepare).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv2d/conv2d_winograd_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include "kernels/conv2d/winograd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

/// The 3 x 3 kernels of one direction: that from channel c to output r begins at r output + c
/// channel; it is turned by half a circle where it makes dx.
struct Filters {
  const float* w = nullptr;
  int64_t output = 0, channel = 0;
  bool turned = false;

  const float* at(int64_t r, int64_t c) const { return w + r * output + c * channel; }
};

/// G of three values.
template <class D, class V>
HWY_INLINE void filter_points(D d, const V (&w)[3], V (&to)[4]) {
  const V half = hn::Set(d, 0.5f);
  const V ends = hn::Mul(half, hn::Add(w[0], w[2])), middle = hn::Mul(half, w[1]);
  to[0] = w[0], to[1] = hn::Add(ends, middle), to[2] = hn::Sub(ends, middle), to[3] = w[2];
}

/// G w G^T of the kernels to one output from as many channels as d has lanes; point e goes to
/// to + e step.
template <class D>
HWY_INLINE void transform_filter(D d, const Filters& filters, const float* w, float* to,
                                 int64_t step) {
  using V = hn::Vec<D>;
  const hn::RebindToSigned<D> di;
  const auto index = hn::Mul(hn::Iota(di, 0), hn::Set(di, static_cast<int32_t>(filters.channel)));
  V columns[3][4];
  CAIRN_UNROLL for (int j = 0; j < 3; ++j) {
    V values[3];
    CAIRN_UNROLL for (int i = 0; i < 3; ++i) {
      const int tap = 3 * i + j;
      values[i] = hn::GatherIndex(d, w + (filters.turned ? 8 - tap : tap), index);
    }
    filter_points(d, values, columns[j]);
  }
  CAIRN_UNROLL for (int i = 0; i < 4; ++i) {
    const V row[3] = {columns[0][i], columns[1][i], columns[2][i]};
    V out[4];
    filter_points(d, row, out);
    CAIRN_UNROLL for (int j = 0; j < 4; ++j) hn::StoreU(out[j], d, to + (4 * i + j) * step);
  }
}

/// Those of outputs [begin, end): that of point e, output r, channel c goes to
/// to + e step + r channels + c.
void transform_filters(const Filters& filters, int64_t begin, int64_t end, int64_t channels,
                       float* to, int64_t step) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t r = begin; r < end; ++r) {
    float* row = to + r * channels;
    int64_t c = 0;
    for (; c + lanes <= channels; c += lanes)
      transform_filter(d, filters, filters.at(r, c), row + c, step);
    for (; c < channels; ++c) transform_filter(one, filters, filters.at(r, c), row + c, step);
  }
}

/// A^T of four values.
template <class V>
HWY_INLINE void output_points(const V (&m)[4], V (&to)[2]) {
  to[0] = hn::Add(m[0], hn::Add(m[1], m[2]));
  to[1] = hn::Sub(hn::Sub(m[1], m[2]), m[3]);
}

/// Rows of outputs of one plane from a row of tiles on.
struct OutputRows {
  float* y = nullptr;             // of the first column that is made
  int64_t rows = 0, columns = 0;  // that lie inside
  int64_t row = 0, width = 0;     // floats from a row, or a column, to the next
  float bias = 0;
  Activation activation = Activation::none;
};

/// A^T m A of `tiles` tiles of a row; point e of tile k is at from + e step + k width.
template <class D>
HWY_NOINLINE void transform_outputs(D d, const OutputRows& to, int64_t tiles, const float* from,
                                    int64_t step) {
  using V = hn::Vec<D>;
  const V bias = hn::Set(d, to.bias);
  float* y = to.y;
  for (int64_t k = 0; k < tiles; ++k, from += to.width, y += 2 * to.width) {
    V columns[4][2];
    CAIRN_UNROLL for (int j = 0; j < 4; ++j) {
      V m[4];
      CAIRN_UNROLL for (int i = 0; i < 4; ++i) m[i] = hn::LoadU(d, from + (4 * i + j) * step);
      output_points(m, columns[j]);
    }
    for (int i = 0; i < to.rows; ++i) {
      const V m[4] = {columns[0][i], columns[1][i], columns[2][i], columns[3][i]};
      V out[2];
      output_points(m, out);
      hn::StoreU(hn::Add(bias, out[0]), d, y + i * to.row);
      if (2 * k + 1 < to.columns) hn::StoreU(hn::Add(bias, out[1]), d, y + i * to.row + to.width);
    }
  }
  if (to.activation == Activation::none) return;
  for (int64_t i = 0; i < to.rows; ++i)
    for (int64_t q = 0; q < std::min(to.columns, 2 * tiles); ++q) {
      float* at = to.y + i * to.row + q * to.width;
      hn::StoreU(Activate(d, to.activation, hn::LoadU(d, at)), d, at);
    }
}

/// One direction, one group: its output is y of a convolution, or dx.
struct WinogradPass {
  const float* filters = nullptr;     // points of (outputs, channels)
  int64_t channels = 0, outputs = 0;  // in a group
  int64_t height = 0, columns = 0;    // of a plane of the output
  TileGrid grid;
  const float* bias = nullptr;
  Activation activation = Activation::none;

  /// Outputs [r, r + count) of a slice.
  void run(const Planes& source, int64_t r, int64_t count, float* y, float* memory) const {
    const int64_t width = source.width, most_channels = std::min(channels, kMostChannels);
    const int64_t most = TileGrid::most(most_channels + count, width);
    for (int64_t first = 0, tiles; first < grid.tiles(); first += tiles) {
      tiles = even_part(grid.tiles() - first, most);
      const int64_t step = most_channels * tiles * width + kLine,
                    to_step = count * tiles * width + kLine;
      float* sums = memory + kPoints * step;
      ProductTile tile;
      tile.w_row = channels, tile.y_row = tiles * width;
      for (int64_t c = 0, some; c < channels; c += some) {
        some = even_part(channels - c, kMostChannels);
        transform_sources(grid, source, c, some, first, tiles, memory, step);
        tile.loops[2] = {some, 1, tiles * width};
        tile.adds = c > 0;
        for (int64_t e = 0; e < kPoints; ++e)
          product_run(hn::ScalableTag<float>(), tile, count, tiles * width,
                      filters + (e * outputs + r) * channels + c, memory + e * step,
                      sums + e * to_step);
      }
      for (int64_t k = 0; k < count; ++k)
        output(r + k, first, tiles, width, sums + k * tiles * width, to_step, y);
    }
  }

  /// Tiles [first, first + tiles) of output r, from their points.
  void output(int64_t r, int64_t first, int64_t tiles, int64_t width, const float* points,
              int64_t step, float* y) const {
    OutputRows to;
    to.row = columns * width, to.width = width;
    to.bias = bias ? bias[r] : 0, to.activation = activation;
    grid.for_rows(first, tiles, [&](int64_t row, int64_t column, int64_t t, int64_t count) {
      to.rows = std::min<int64_t>(2, height - 2 * row), to.columns = columns - 2 * column;
      to.y = y + ((r * height + 2 * row) * columns + 2 * column) * width;
      with_lanes(width, [&](auto d) {
        for (int64_t i = 0; i < width; i += static_cast<int64_t>(hn::Lanes(d))) {
          OutputRows lanes = to;
          lanes.y += i;
          transform_outputs(d, lanes, count, points + t * width + i, step);
        }
      });
    });
  }
};

/// All slices: `source(slice)` gives the planes, `y(slice)` the output.
template <class Source, class Output>
void winograd(const WinogradPass& pass, int64_t slices, Source source, Output y) {
  HWY_ALIGN float memory[kTileFloats];
  for (int64_t r = 0, count; r < pass.outputs; r += count) {
    count = even_part(pass.outputs - r, kMostChannels);
    for (int64_t s = 0; s < slices; ++s) pass.run(source(s), r, count, y(s), memory);
  }
}

/// The points of group g's filters, as prepared.
const float* points_of(const Args& args, const ConvShape& s, int64_t g) {
  return static_cast<const float*>(args.workspace) + g * kPoints * s.cout_group() * s.cin_group();
}

/// Prepares them for the passes from `channels` to `outputs` of each group.
void prepare(const Args& args, const ConvShape& s, bool turned) {
  constexpr int64_t kRun = 8;  // outputs of a task
  const int64_t outputs = turned ? s.cin_group() : s.cout_group(),
                channels = turned ? s.cout_group() : s.cin_group(), step = outputs * channels;
  const int64_t to_output = s.depth(), to_channel = s.kh * s.kw;
  for (int64_t g = 0; g < s.groups; ++g) {
    const Filters filters{args.in[1].as<float>() + g * s.cout_group() * s.depth(),
                          turned ? to_channel : to_output, turned ? to_output : to_channel, turned};
    float* to = static_cast<float*>(args.workspace) + g * kPoints * step;
    for_ranges(args, outputs, kRun, [&](int64_t begin, int64_t end) {
      transform_filters(filters, begin, end, channels, to, step);
    });
  }
}

void conv2d_winograd(const Args& args) {
  const Tensor &x = args.in[0], &w = args.in[1], &b = args.in[2], &y = args.out[0];
  const ConvShape s(x.shape, w.shape, y.shape, *args.attrs);
  const int64_t width = x.batch.width;
  for (int64_t g = 0; g < s.groups; ++g) {
    const WinogradPass pass{
        .filters = points_of(args, s, g),
        .channels = s.cin_group(),
        .outputs = s.cout_group(),
        .height = s.oh,
        .columns = s.ow,
        .grid = TileGrid(s.oh, s.ow, s.pad_h, s.pad_w),
        .bias = b.data ? b.as<float>() + g * s.cout_group() : nullptr,
        .activation = static_cast<Activation>(args.attrs->integer(conv2d_attr::activation))};
    winograd(
        pass, x.batch.slices, [&](int64_t slice) { return planes_of(x, slice, g * s.cin_group()); },
        [&](int64_t slice) {
          return y.slice<float>(slice) + g * s.cout_group() * s.oh * s.ow * width;
        });
  }
}

void conv2d_dx_winograd(const Args& args) {
  const Tensor &dy = args.in[0], &w = args.in[1], &dx = args.out[0];
  const ConvShape s(dx.shape, w.shape, dy.shape, *args.attrs);
  const int64_t width = dx.batch.width;
  for (int64_t g = 0; g < s.groups; ++g) {
    const WinogradPass pass{.filters = points_of(args, s, g),
                            .channels = s.cout_group(),
                            .outputs = s.cin_group(),
                            .height = s.h,
                            .columns = s.w,
                            .grid = TileGrid(s.h, s.w, s.kh - 1 - s.pad_h, s.kw - 1 - s.pad_w)};
    winograd(
        pass, dx.batch.slices,
        [&](int64_t slice) { return planes_of(dy, slice, g * s.cout_group()); },
        [&](int64_t slice) {
          return dx.slice<float>(slice) + g * s.cin_group() * s.h * s.w * width;
        });
  }
}

void conv2d_prepare(const Args& args) {
  const Tensor& x = args.in[0];
  const ConvShape s(x.shape, args.in[1].shape, args.out[0].shape, *args.attrs);
  if (winograd_serves(s, x.batch.width)) prepare(args, s, false);
}

void conv2d_dx_prepare(const Args& args) {
  const Tensor& dy = args.in[0];
  const ConvShape s(args.out[0].shape, args.in[1].shape, dy.shape, *args.attrs);
  if (winograd_serves(s, dy.batch.width)) prepare(args, s, true);
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(conv2d_winograd);
HWY_EXPORT(conv2d_dx_winograd);
HWY_EXPORT(conv2d_prepare);
HWY_EXPORT(conv2d_dx_prepare);

namespace {

int64_t bytes_of_points(const ConvShape& s, int64_t width) {
  constexpr int64_t kPoints = 16;
  return winograd_serves(s, width) ? kPoints * s.cout * s.cin_group() * int64_t{sizeof(float)} : 0;
}

}  // namespace

int64_t conv2d_prepared_bytes(const OpTypes& t, int64_t width) {
  return bytes_of_points(ConvShape(t.shape(0), t.shape(1), t.out[0].shape, t.attrs), width);
}
int64_t conv2d_dx_prepared_bytes(const OpTypes& t, int64_t width) {
  return bytes_of_points(ConvShape(t.out[0].shape, t.shape(1), t.shape(0), t.attrs), width);
}
void conv2d_prepare_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(conv2d_prepare)(args); }
void conv2d_dx_prepare_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(conv2d_dx_prepare)(args); }

void conv2d_winograd_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(conv2d_winograd)(args); }
void conv2d_dx_winograd_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(conv2d_dx_winograd)(args); }

}  // namespace cairn
#endif
