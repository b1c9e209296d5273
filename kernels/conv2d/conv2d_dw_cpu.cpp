// The gradient of the weights on slices: a tile of output channels x kernel columns of vector sums,
// lanes over the examples, walks all places of a kernel row; the lanes are added at the end.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv2d/conv2d_dw_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include <algorithm>

#include "kernels/conv2d/conv2d.h"
#include "kernels/linear/product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

constexpr int kTileChannels = HWY_TARGET <= HWY_AVX3 ? 4 : 2;
constexpr int kTileTaps = 5;

/// Places of one axis at which all of the taps [j, j + taps) lie inside the input.
struct Span {
  int64_t begin = 0, end = 0;
};

Span inside(int64_t j, int64_t taps, int64_t stride, int64_t pad, int64_t dil, int64_t in,
            int64_t out) {
  const int64_t low = pad - j * dil, high = in + pad - (j + taps - 1) * dil;  // low <= p S < high
  const int64_t begin = low <= 0 ? 0 : (low + stride - 1) / stride;
  const int64_t end = high <= 0 ? 0 : std::min(out, (high + stride - 1) / stride);
  return {std::min(begin, end), end};
}

/// What a tile walks: rows of places, places of a row, examples of a place.
struct DwWalk {
  int64_t rows = 0, dy_row = 0, x_row = 0;  // elements from one row of places to the next
  int64_t places = 0, dy_place = 0, x_place = 0;
  int64_t valid = 0;                  // examples
  int64_t dy_channel = 0, x_tap = 0;  // elements from a sum to the next
  int64_t dw_channel = 0;
};

/// dw[m][j] += sum over places and examples of dy[m] x[j]. Two vectors of examples where the slice
/// has them; lanes from `valid` on count as zero.
template <int kChannels, int kTaps, int kVectors, class D>
HWY_NOINLINE void dw_tile(D d, const DwWalk& t, const float* dy, const float* x, float* dw) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<D> sum[kChannels][kTaps];
  CAIRN_UNROLL for (int m = 0; m < kChannels; ++m) CAIRN_UNROLL for (int j = 0; j < kTaps; ++j)
      sum[m][j] = hn::Zero(d);
  const auto first = hn::FirstN(d, static_cast<size_t>(std::clamp<int64_t>(t.valid, 0, lanes)));
  const auto second =
      hn::FirstN(d, static_cast<size_t>(std::clamp<int64_t>(t.valid - lanes, 0, lanes)));
  for (int64_t p = 0; p < t.rows; ++p) {
    const float *g = dy + p * t.dy_row, *a = x + p * t.x_row;
    for (int64_t q = 0; q < t.places; ++q, g += t.dy_place, a += t.x_place) {
      CAIRN_UNROLL for (int v = 0; v < kVectors; ++v) {
        const auto& mask = v == 0 ? first : second;
        hn::Vec<D> gs[kChannels];
        CAIRN_UNROLL for (int m = 0; m < kChannels; ++m) gs[m] =
            hn::MaskedLoad(mask, d, g + m * t.dy_channel + v * lanes);
        CAIRN_UNROLL for (int j = 0; j < kTaps; ++j) {
          auto xs = hn::LoadU(d, a + j * t.x_tap + v * lanes);
          keep_in_register(xs);
          CAIRN_UNROLL for (int m = 0; m < kChannels; ++m) sum[m][j] =
              hn::MulAdd(gs[m], xs, sum[m][j]);
        }
      }
    }
  }
  CAIRN_UNROLL for (int m = 0; m < kChannels; ++m) CAIRN_UNROLL for (int j = 0; j < kTaps; ++j)
      dw[m * t.dw_channel + j] += hn::GetLane(hn::SumOfLanes(d, sum[m][j]));
}

template <int kChannels, int kVectors, class D>
void dw_taps(D d, const DwWalk& t, int64_t taps, const float* dy, const float* x, float* dw) {
  switch (taps) {
    case 1:
      return dw_tile<kChannels, 1, kVectors>(d, t, dy, x, dw);
    case 2:
      return dw_tile<kChannels, 2, kVectors>(d, t, dy, x, dw);
    case 3:
      return dw_tile<kChannels, 3, kVectors>(d, t, dy, x, dw);
    case 4:
      return dw_tile<kChannels, 4, kVectors>(d, t, dy, x, dw);
    default:
      return dw_tile<kChannels, kTileTaps, kVectors>(d, t, dy, x, dw);
  }
}

/// All channels of a group for the taps [j, j + taps) of kernel row i of input channel c.
template <class D, class Vectors>
void dw_channels(D d, Vectors, const DwWalk& t, int64_t channels, int64_t width, int64_t valid,
                 int64_t taps, const float* dy, const float* x, float* dw) {
  constexpr int kVectors = Vectors::value;
  const int64_t step = kVectors * static_cast<int64_t>(hn::Lanes(d));
  DwWalk walk = t;
  for (int64_t m = 0; m < channels;) {
    const int64_t tile = channels - m >= kTileChannels ? kTileChannels : channels - m >= 2 ? 2 : 1;
    const float* g = dy + m * t.dy_channel;
    float* out = dw + m * t.dw_channel;
    for (int64_t lane = 0; lane < width && lane < valid; lane += step) {
      walk.valid = valid - lane;
      const auto fn = tile == 1   ? dw_taps<1, kVectors, D>
                      : tile == 2 ? dw_taps<2, kVectors, D>
                                  : dw_taps<kTileChannels, kVectors, D>;
      fn(d, walk, taps, g + lane, x + lane, out);
    }
    m += tile;
  }
}

/// One slice and group. dy, x and dw point to the group's first channels.
template <class D, class Vectors>
void dw_slice(D d, Vectors vectors, const ConvShape& s, int64_t width, int64_t valid,
              const float* dy, const float* x, float* dw) {
  DwWalk t;
  t.dy_row = s.ow * width, t.x_row = s.stride_h * s.w * width;
  t.dy_place = width, t.x_place = s.stride_w * width;
  t.dy_channel = s.oh * s.ow * width, t.dw_channel = s.depth(), t.x_tap = s.dil_w * width;
  const bool padded = s.pad_w > 0;
  for (int64_t c = 0; c < s.cin_group(); ++c)
    for (int64_t i = 0; i < s.kh; ++i) {
      const Span p = inside(i, 1, s.stride_h, s.pad_h, s.dil_h, s.h, s.oh);
      t.rows = p.end - p.begin;
      const int64_t row = c * s.h + p.begin * s.stride_h - s.pad_h + i * s.dil_h;
      const int64_t most = padded ? 1 : kTileTaps;  // with padding each tap has places of its own
      for (int64_t j = 0; j < s.kw; j += most) {
        const int64_t taps = std::min(most, s.kw - j);
        const Span q = inside(j, taps, s.stride_w, s.pad_w, s.dil_w, s.w, s.ow);
        t.places = q.end - q.begin;
        if (t.rows <= 0 || t.places <= 0) continue;
        const int64_t column = q.begin * s.stride_w - s.pad_w + j * s.dil_w;
        dw_channels(d, vectors, t, s.cout_group(), width, valid, taps,
                    dy + (p.begin * s.ow + q.begin) * width, x + (row * s.w + column) * width,
                    dw + (c * s.kh + i) * s.kw + j);
      }
    }
}

void conv2d_dw(const Args& args) {
  const Tensor &x = args.in[0], &dy = args.in[1], &dw = args.out[0];
  const ConvShape s(x.shape, dw.shape, dy.shape, *args.attrs);
  const int64_t width = x.batch.width;
  with_lanes(width, [&](auto d, auto vectors) {
    for (int64_t k = 0; k < x.batch.slices * s.groups; ++k) {
      const int64_t slice = k / s.groups, g = k % s.groups;
      dw_slice(d, vectors, s, width, args.valid_lanes(x, slice),
               dy.slice<float>(slice) + g * s.cout_group() * s.oh * s.ow * width,
               x.slice<float>(slice) + g * s.cin_group() * s.h * s.w * width,
               dw.as<float>() + g * s.cout_group() * s.depth());
    }
  });
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(conv2d_dw);

void conv2d_dw_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(conv2d_dw)(args); }

}  // namespace cairn
#endif
