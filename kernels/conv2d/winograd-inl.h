// Minimal filtering F(2x2, 3x3): 2 x 2 outputs of a 3 x 3 kernel by 16 products in place of 36
// (Winograd 1980; for convolutions Lavin and Gray 2015).
//
//   y  = A^T [(G w G^T) * (B^T x B)] A     summed over channels before A^T and A
//   dw = G^T [(B^T x B) * (A dy A^T)] G    its gradient, summed over tiles before G^T and G
//
// with * point by point. A tile of outputs reads 4 x 4 places of its source, 2 rows and columns of
// which the next tile reads too. For each of the 16 points the sum over channels, or over tiles, is
// a product of matrices. The transforms add two or three values and take halves; the errors of
// float32 are no larger than those of 36 products in a row (docs/decisions/0010).
//
// Include it inside foreach_target code only.
#if defined(CAIRN_WINOGRAD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CAIRN_WINOGRAD_INL_H_
#undef CAIRN_WINOGRAD_INL_H_
#else
#define CAIRN_WINOGRAD_INL_H_
#endif

#include <algorithm>

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv2d/conv2d_window.h"
#include "kernels/linear/product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

constexpr int64_t kPoints = 16;
constexpr int64_t kMostChannels = 64;  // of a source, and of an output, taken at a time
constexpr int64_t kWinogradFloats = kPoints * kMostChannels * kMostChannels;
constexpr int64_t kLine = 16;  // floats between points, so that they lie in different cache sets
constexpr int64_t kTileFloats = kWinogradFloats + 2 * kPoints * kLine;  // of a block's points

/// Tiles of 2 x 2 outputs.
struct TileGrid {
  int64_t rows = 0, columns = 0;
  int64_t top = 0, left = 0;  // the first place of its source that the first tile reads

  TileGrid(int64_t height, int64_t width, int64_t pad_h, int64_t pad_w)
      : rows((height + 1) / 2), columns((width + 1) / 2), top(-pad_h), left(-pad_w) {}

  int64_t tiles() const { return rows * columns; }
  /// The most tiles whose points fit kTileFloats for `channels` channels, of source and output.
  static int64_t most(int64_t channels, int64_t width) {
    return kWinogradFloats / kPoints / (channels * width);
  }
  /// Calls f(row, column, k, count) for the parts of tiles [first, first + tiles) that lie in one
  /// row each: count tiles from (row, column) on, the first of which is first + k.
  template <class F>
  HWY_INLINE void for_rows(int64_t first, int64_t tiles, F f) const {
    for (int64_t k = 0, count; k < tiles; k += count) {
      const int64_t row = (first + k) / columns, column = (first + k) % columns;
      count = std::min(columns - column, tiles - k);
      f(row, column, k, count);
    }
  }
};

/// One row of a plane of a source: zeros where it lies outside.
struct SourceRow {
  const float* data = nullptr;  // of column 0
  int64_t step = 0;             // floats from a column to the next
};

/// Two rows of the points B^T x B, the upper or the lower ones, of `tiles` tiles of a row. They are
/// made of three rows of x: the first three, or the last three, `row[0]` the highest. Point (i, j)
/// of tile k goes to to + (4 i + j) step + k width.
template <bool kLower, class D>
HWY_NOINLINE void transform_rows(D d, const SourceRow (&row)[3], const Span& columns, int64_t left,
                                 int64_t tiles, int64_t width, float* to, int64_t step) {
  using V = hn::Vec<D>;
  int64_t place[3];
  for (int i = 0; i < 3; ++i) place[i] = left * row[i].step;
  const auto column = [&](int64_t w, int64_t after, V& first, V& second) HWY_ATTR {
    if (w < columns.begin || w >= columns.end) {
      first = second = hn::Zero(d);
      return;
    }
    V x[3];
    CAIRN_UNROLL for (int i = 0; i < 3; ++i) x[i] =
        hn::LoadU(d, row[i].data + place[i] + after * row[i].step);
    first = kLower ? hn::Sub(x[1], x[0]) : hn::Sub(x[0], x[2]);
    second = kLower ? hn::Sub(x[0], x[2]) : hn::Add(x[1], x[2]);
  };
  V a[2], b[2];
  column(left, 0, a[0], a[1]);
  column(left + 1, 1, b[0], b[1]);
  const int64_t second = step, third = 2 * step, fourth = 3 * step;
  for (int64_t k = 0; k < tiles; ++k, to += width) {
    for (int i = 0; i < 3; ++i) place[i] += 2 * row[i].step;
    left += 2;
    V c[2], e[2];
    column(left, 0, c[0], c[1]);
    column(left + 1, 1, e[0], e[1]);
    CAIRN_UNROLL for (int i = 0; i < 2; ++i) {
      float* out = to + 4 * i * step;
      hn::StoreU(hn::Sub(a[i], c[i]), d, out);
      hn::StoreU(hn::Add(b[i], c[i]), d, out + second);
      hn::StoreU(hn::Sub(c[i], b[i]), d, out + third);
      hn::StoreU(hn::Sub(b[i], e[i]), d, out + fourth);
      a[i] = c[i], b[i] = e[i];
    }
  }
}

/// B^T x B of `tiles` tiles of a row, of the lanes from `lane` on. Point e of tile k goes to
/// to + e step + k width.
template <class D>
void transform_source(D d, const Planes& x, int64_t c, int64_t top, int64_t left, int64_t tiles,
                      int64_t lane, float* to, int64_t step) {
  static constexpr float kZeros[HWY_MAX_BYTES / sizeof(float)] = {};
  SourceRow rows[4];
  for (int64_t i = 0; i < 4; ++i) {
    rows[i].data = kZeros;
    if (top + i >= x.rows.begin && top + i < x.rows.end)
      rows[i] = {x.at(c, top + i, 0) + lane, x.width};
  }
  transform_rows<false>(d, {rows[0], rows[1], rows[2]}, x.columns, left, tiles, x.width, to, step);
  transform_rows<true>(d, {rows[1], rows[2], rows[3]}, x.columns, left, tiles, x.width,
                       to + 8 * step, step);
}

/// The points of channels [c, c + channels) of tiles [first, first + tiles): point e, channel k at
/// to + e step + k tiles width.
inline void transform_sources(const TileGrid& grid, const Planes& x, int64_t c, int64_t channels,
                              int64_t first, int64_t tiles, float* to, int64_t step) {
  with_lanes(x.width, [&](auto d) HWY_ATTR {
    const auto lanes = static_cast<int64_t>(hn::Lanes(d));
    for (int64_t k = 0; k < channels; ++k)
      grid.for_rows(first, tiles,
                    [&](int64_t row, int64_t column, int64_t t, int64_t count) HWY_ATTR {
                      for (int64_t i = 0; i < x.width; i += lanes)
                        transform_source(d, x, c + k, grid.top + 2 * row, grid.left + 2 * column,
                                         count, i, to + (k * tiles + t) * x.width + i, step);
                    });
  });
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
