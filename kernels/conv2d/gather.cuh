// Where the columns of a convolution's matrix lie in memory (im2col's, which need not exist).
#pragma once

#include "core/cuda/arch/four_floats.h"
#include "core/cuda/arch/kernel.h"
#include "kernels/conv2d/conv2d.h"

namespace cairn {
namespace {

struct Place;
struct Tap;

/// The sizes of a gather, in 32 bits: from planes of the source to places of the target. Forward,
/// the source is x and the target y; backward it is dy and dx.
struct Gather {
  int source_h, source_w, target_w;
  int kh, kw, stride_h, stride_w, pad_h, pad_w, dil_h, dil_w;

  static Gather forward(const ConvShape& s) { return Gather(s, s.h, s.w, s.ow); }
  static Gather backward(const ConvShape& s) { return Gather(s, s.oh, s.ow, s.w); }

  CAIRN_HD int64_t source_plane() const { return int64_t{source_h} * source_w; }

  /// The pixel of a plane of the source that kernel element `tap` sees from `place`, or, backward,
  /// that sees it; negative: none.
  template <bool backward>
  __device__ int64_t pixel(const Place& place, const Tap& tap) const;

 private:
  Gather(const ConvShape& s, int64_t h, int64_t w, int64_t to_w)
      : source_h(static_cast<int>(h)),
        source_w(static_cast<int>(w)),
        target_w(static_cast<int>(to_w)),
        kh(static_cast<int>(s.kh)),
        kw(static_cast<int>(s.kw)),
        stride_h(static_cast<int>(s.stride_h)),
        stride_w(static_cast<int>(s.stride_w)),
        pad_h(static_cast<int>(s.pad_h)),
        pad_w(static_cast<int>(s.pad_w)),
        dil_h(static_cast<int>(s.dil_h)),
        dil_w(static_cast<int>(s.dil_w)) {}
};

/// A column: a place of the target, and an example.
struct Place {
  int row, column, lane;

  __device__ static Place of(const Gather& g, int64_t column, int64_t n) {
    const int64_t at = column / n;
    const int row = static_cast<int>(at / g.target_w);
    return {row, static_cast<int>(at - int64_t{row} * g.target_w),
            static_cast<int>(column - at * n)};
  }
};

/// A row of the matrix: a channel of the source and an element of the kernel.
struct Tap {
  int channel, i, j;

  __device__ static Tap of(const Gather& g, int row) {
    return {row / (g.kh * g.kw), row / g.kw % g.kh, row % g.kw};
  }

  /// `rows` further on, without divisions.
  __device__ void advance(const Gather& g, int rows) {
    j += rows;
    while (j >= g.kw) j -= g.kw, ++i;
    while (i >= g.kh) i -= g.kh, ++channel;
  }
};

/// Along one axis: the source's row that element k sees from the target's row `at`; negative: none.
template <bool backward>
__device__ int source_at(int at, int k, int stride, int pad, int dilation, int size) {
  if constexpr (backward) {
    const int reach = at + pad - k * dilation;
    const int row = stride == 1 ? reach : reach / stride;
    return row * stride == reach && row < size ? row : -1;
  } else {
    const int row = at * stride - pad + k * dilation;
    return row < size ? row : -1;
  }
}

template <bool backward>
__device__ int64_t Gather::pixel(const Place& place, const Tap& tap) const {
  const int row = source_at<backward>(place.row, tap.i, stride_h, pad_h, dil_h, source_h);
  const int column = source_at<backward>(place.column, tap.j, stride_w, pad_w, dil_w, source_w);
  return row < 0 || column < 0 ? -1 : int64_t{row} * source_w + column;
}

/// Four columns in a row. `aligned`: the first and n are multiples of 4, so the four share a place,
/// and their elements 16 bytes.
template <bool aligned>
class FourColumns {
 public:
  /// `end`: columns from there on are zero.
  __device__ FourColumns(const Gather& g, int64_t first, int64_t end, int64_t n)
      : exist_(static_cast<int>(end - first < 4 ? end - first : 4)), n_(n) {
    CAIRN_UNROLL
    for (int e = 0; e < kPlaces; ++e) places_[e] = Place::of(g, first + e, n);
  }

  /// What they hold in a row of the matrix that lies in `plane`, each at pixel_of(its place), or
  /// zero where that is negative. Examples from `valid` on are zero.
  template <class PixelOf>
  __device__ float4 load(const float* plane, int64_t valid, PixelOf pixel_of) const {
    float four[4] = {};
    CAIRN_UNROLL
    for (int e = 0; e < kPlaces; ++e) {
      const Place& place = places_[e];
      const int64_t pixel = e < exist_ && place.lane < valid ? pixel_of(place) : -1;
      if (pixel < 0) continue;
      const float* const from = plane + pixel * n_ + place.lane;
      if constexpr (aligned) {
        const float4 all = load_four(from);
        four[0] = all.x;
        four[1] = place.lane + 1 < valid ? all.y : 0.0f;
        four[2] = place.lane + 2 < valid ? all.z : 0.0f;
        four[3] = place.lane + 3 < valid ? all.w : 0.0f;
      } else {
        four[e] = *from;
      }
    }
    return {four[0], four[1], four[2], four[3]};
  }

 private:
  static constexpr int kPlaces = aligned ? 1 : 4;
  int exist_;  // below 1: none
  int64_t n_;
  Place places_[kPlaces];
};

/// Whether FourColumns<true> will do for these tensors of n examples.
bool is_aligned(const Tensor& a, const Tensor& b, int64_t n) {
  const auto fits = [](const Tensor& t) { return reinterpret_cast<uintptr_t>(t.data) % 16 == 0; };
  return n % 4 == 0 && fits(a) && fits(b);
}

}  // namespace
}  // namespace cairn
