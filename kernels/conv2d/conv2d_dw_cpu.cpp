// The gradient of the weights on slices: a tile of output channels x kernel columns of vector sums,
// lanes over the examples at a run of places, walks a band of rows of places; the lanes are added
// at its end. A band of the tile's rows of dy stays in the first-level cache for all of the kernel.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv2d/conv2d_dw_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include <algorithm>

#include "kernels/bias/bias.h"
#include "kernels/conv2d/conv2d.h"
#include "kernels/conv2d/conv2d_window.h"
#include "kernels/linear/product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

constexpr int kTileTaps = 5;
/// Most channels of a tile: its sums and the smaller side of its factors fill the registers.
constexpr int tile_channels(int taps) {
  if (HWY_TARGET <= HWY_AVX3) return taps <= 3 ? 8 : 4;
  return taps <= 3 ? 4 : 2;
}
constexpr int64_t kBandBytes = 32768;  // of a tile's rows of dy

/// The rows of places at which kernel row i lies inside the input.
Span rows_inside(const ConvShape& s, int64_t i) {
  const int64_t low = s.pad_h - i * s.dil_h, high = low + s.h;  // low <= p S < high
  const int64_t begin = low <= 0 ? 0 : (low + s.stride_h - 1) / s.stride_h;
  const int64_t end = high <= 0 ? 0 : std::min(s.oh, (high + s.stride_h - 1) / s.stride_h);
  return {begin, end};
}

/// The rows of the input that rows of places read.
Span rows_read(const ConvShape& s, const Span& rows) {
  const int64_t begin = rows.begin * s.stride_h - s.pad_h;
  const int64_t end = (rows.end - 1) * s.stride_h - s.pad_h + (s.kh - 1) * s.dil_h + 1;
  return {std::clamp<int64_t>(begin, 0, s.h), std::clamp<int64_t>(end, 0, s.h)};
}

/// Neighbouring places at which the same taps [tap, tap + taps) lie inside the input.
struct TapRun {
  int64_t tap = 0, taps = 0;
  Span places;
};

/// The runs of a row for the kernel columns [j, j + taps). Each has earlier taps than the one
/// before. Where x is padded one run has all taps.
struct TapRuns {
  TapRun runs[2 * kTileTaps + 1];
  int64_t count = 0;

  TapRuns(const ConvShape& s, int64_t j, int64_t taps, bool padded) {
    if (padded) {
      runs[count++] = {j, taps, {0, s.ow}};
      return;
    }
    for (int64_t q = 0; q < s.ow; ++q) {
      const auto column = [&](int64_t tap) { return q * s.stride_w - s.pad_w + tap * s.dil_w; };
      int64_t first = j, end = j + taps;
      while (first < end && column(first) < 0) ++first;
      while (end > first && column(end - 1) >= s.w) --end;
      if (first == end) continue;
      const TapRun* last = count > 0 ? &runs[count - 1] : nullptr;
      if (!last || last->tap != first || last->taps != end - first)
        runs[count++] = {first, end - first, {q, q}};
      ++runs[count - 1].places.end;
    }
  }
};

/// What a tile walks: rows of places, runs of a row, lanes of a run.
struct DwWalk {
  int64_t rows = 0, dy_row = 0, x_row = 0;  // elements from one row of places to the next
  int64_t runs = 0, dy_run = 0, x_run = 0;
  int64_t lanes = 0;
  int64_t dy_channel = 0, x_tap = 0;  // elements from a sum to the next
  int64_t dw_channel = 0;
};

/// sum[m][j] += g[m] a[j], the smaller side kept in registers.
template <int kChannels, int kTaps, class V, class Load>
HWY_INLINE void add_products(V (&sum)[kChannels][kTaps], const DwWalk& t, const float* g,
                             const float* a, Load load) {
  constexpr int kFew = std::min(kChannels, kTaps), kMany = std::max(kChannels, kTaps);
  constexpr bool kFewTaps = kTaps <= kChannels;
  const int64_t few_step = kFewTaps ? t.x_tap : t.dy_channel;
  const int64_t many_step = kFewTaps ? t.dy_channel : t.x_tap;
  const float *few = kFewTaps ? a : g, *many = kFewTaps ? g : a;
  V kept[kFew];
  CAIRN_UNROLL for (int i = 0; i < kFew; ++i) kept[i] = load(few + i * few_step);
  CAIRN_UNROLL for (int i = 0; i < kMany; ++i) {
    V v = load(many + i * many_step);
    keep_in_register(v);
    CAIRN_UNROLL for (int k = 0; k < kFew; ++k) {
      V& to = sum[kFewTaps ? i : k][kFewTaps ? k : i];
      to = hn::MulAdd(v, kept[k], to);
    }
  }
}

/// dw[m][j] += sum over the walk of dy[m] x[j].
template <int kChannels, int kTaps, class D>
HWY_NOINLINE void dw_tile(D d, const DwWalk& t, const float* dy, const float* x, float* dw) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<D> sum[kChannels][kTaps];
  CAIRN_UNROLL for (int m = 0; m < kChannels; ++m) CAIRN_UNROLL for (int j = 0; j < kTaps; ++j)
      sum[m][j] = hn::Zero(d);
  const int64_t whole = t.lanes / lanes * lanes;
  const auto rest = hn::FirstN(d, static_cast<size_t>(t.lanes - whole));
  for (int64_t p = 0; p < t.rows; ++p)
    for (int64_t q = 0; q < t.runs; ++q) {
      const float *g = dy + p * t.dy_row + q * t.dy_run, *a = x + p * t.x_row + q * t.x_run;
      for (int64_t i = 0; i < whole; i += lanes)
        add_products(sum, t, g + i, a + i, [d](const float* from) { return hn::LoadU(d, from); });
      if (whole < t.lanes)
        add_products(sum, t, g + whole, a + whole,
                     [d, rest](const float* from) { return hn::MaskedLoad(rest, d, from); });
    }
  CAIRN_UNROLL for (int m = 0; m < kChannels; ++m) CAIRN_UNROLL for (int j = 0; j < kTaps; ++j)
      dw[m * t.dw_channel + j] += hn::GetLane(hn::SumOfLanes(d, sum[m][j]));
}

template <class D>
using DwTileFn = void (*)(D, const DwWalk&, const float*, const float*, float*);

/// The tile for `channels` channels, 1 to tile_channels(kTaps).
template <class D, int kTaps, int kChannels = tile_channels(kTaps)>
DwTileFn<D> dw_tile_of(int64_t channels) {
  if constexpr (kChannels > 1)
    if (channels < kChannels) return dw_tile_of<D, kTaps, kChannels - 1>(channels);
  return dw_tile<kChannels, kTaps, D>;
}

template <class D, int kTaps = kTileTaps>
DwTileFn<D> dw_tile_for(int64_t channels, int64_t taps) {
  if constexpr (kTaps > 1)
    if (taps < kTaps) return dw_tile_for<D, kTaps - 1>(channels, taps);
  return dw_tile_of<D, kTaps>(channels);
}

/// One slice and group.
struct DwSlice {
  const ConvShape& s;
  const TapRuns& taps;
  int64_t width, valid;  // lanes, and those that are real examples
  Planes x, dy;
  float* dw;

  /// Output channels [m, m + channels) x input channels [c, c + count), of rows [p, p + rows) of
  /// places.
  void band(int64_t m, int64_t channels, const Planes& source, int64_t c, int64_t count,
            const Span& rows) const {
    for (int64_t k = 0; k < count; ++k)
      for (int64_t i = 0; i < s.kh; ++i) {
        const Span in = rows_inside(s, i);
        const Span here{std::max(rows.begin, in.begin), std::min(rows.end, in.end)};
        if (here.size() <= 0) continue;
        for (int64_t r = 0; r < taps.count; ++r) {
          const TapRun& run = taps.runs[r];
          const float* from =
              source.at(k, here.begin * s.stride_h - s.pad_h + i * s.dil_h,
                        run.places.begin * s.stride_w - s.pad_w + run.tap * s.dil_w);
          tile(m, channels, from, source.row, here, run,
               dw + ((c + k) * s.kh + i) * s.kw + run.tap);
        }
      }
  }

  void tile(int64_t m, int64_t channels, const float* from, int64_t x_row, const Span& rows,
            const TapRun& run, float* to) const {
    const int64_t places = run.places.size();
    DwWalk t;
    t.rows = rows.size(), t.dy_row = dy.row, t.x_row = s.stride_h * x_row;
    const bool side_by_side = s.stride_w == 1 && valid == width;
    t.runs = side_by_side ? 1 : places, t.lanes = side_by_side ? places * width : valid;
    t.dy_run = width, t.x_run = s.stride_w * width;
    t.dy_channel = dy.plane, t.x_tap = s.dil_w * width, t.dw_channel = s.depth();
    const hn::ScalableTag<float> d;
    for (int64_t k = 0, count; k < channels; k += count) {
      count = even_part(channels - k, tile_channels(static_cast<int>(run.taps)));
      dw_tile_for<hn::ScalableTag<float>>(count, run.taps)(
          d, t, dy.at(m + k, rows.begin, run.places.begin), from, to + (m + k) * t.dw_channel);
    }
  }

  /// `step` rows of places at a time, of the output channels `most`; with `memory` x is brought
  /// together there, of as many of its channels as fit.
  void run(int64_t most, int64_t step, const Span& columns, float* memory) const {
    for (int64_t p = 0; p < s.oh; p += step) {
      const Span rows{p, std::min(p + step, s.oh)}, reach = rows_read(s, rows);
      const int64_t floats = std::max<int64_t>(1, reach.size() * columns.size() * width);
      const int64_t fit = memory ? kWindowFloats / floats : s.cin_group();
      for (int64_t c = 0, count; c < s.cin_group(); c += count) {
        count = even_part(s.cin_group() - c, fit);
        const Planes source = memory ? gather(x, c, count, reach, columns, memory) : x;
        for (int64_t m = 0, channels; m < s.cout_group(); m += channels) {
          channels = even_part(s.cout_group() - m, most);
          band(m, channels, source, c, count, rows);
        }
      }
    }
  }
};

/// The kernel columns [j, j + taps).
void dw_columns(const Args& args, const ConvShape& s, int64_t j, int64_t taps) {
  HWY_ALIGN float memory[kWindowFloats];
  const Tensor &x = args.in[0], &dy = args.in[1];
  const int64_t width = x.batch.width, most = tile_channels(static_cast<int>(taps));
  const int64_t row_bytes = most * s.ow * width * int64_t{sizeof(float)};
  const int64_t step = std::max<int64_t>(1, kBandBytes / std::max<int64_t>(1, row_bytes));
  const Span columns{j * s.dil_w - s.pad_w,
                     (s.ow - 1) * s.stride_w - s.pad_w + (j + taps - 1) * s.dil_w + 1};
  const bool pads = columns.begin < 0 || columns.end > s.w;
  const int64_t tallest = std::min(s.h, (step - 1) * s.stride_h + (s.kh - 1) * s.dil_h + 1);
  const bool padded = pads && tallest * columns.size() * width <= kWindowFloats;
  const TapRuns runs(s, j, taps, padded);
  for (int64_t k = 0; k < x.batch.slices * s.groups; ++k) {
    const int64_t slice = k / s.groups, g = k % s.groups;
    const DwSlice part{s,
                       runs,
                       width,
                       args.valid_lanes(x, slice),
                       planes_of(x, slice, g * s.cin_group()),
                       planes_of(dy, slice, g * s.cout_group()),
                       args.out[0].as<float>() + g * s.cout_group() * s.depth()};
    part.run(most, step, columns, padded ? memory : nullptr);
  }
}

void conv2d_dw(const Args& args) {
  const ConvShape s(args.in[0].shape, args.out[0].shape, args.in[1].shape, *args.attrs);
  for (int64_t j = 0, taps; j < s.kw; j += taps) {
    taps = even_part(s.kw - j, kTileTaps);
    dw_columns(args, s, j, taps);
  }
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(conv2d_dw);

void conv2d_dw_cpu(const Args& args) {
  const Tensor &x = args.in[0], &dy = args.in[1];
  if (winograd_serves(ConvShape(x.shape, args.out[0].shape, dy.shape, *args.attrs), x.batch.width))
    conv2d_dw_winograd_cpu(args);
  else
    HWY_DYNAMIC_DISPATCH(conv2d_dw)(args);
  make_bias_grad(args, dy, args.out[1], bias_grad_cpu);
}

}  // namespace cairn
#endif
