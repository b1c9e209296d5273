// The register tile under linear and conv2d: products of weights with examples, lanes over the
// examples.
//
// One tile computes, for kRows outputs and kColumns vectors,
//   out[r] = sum over a, b, c of w[r] x,   w and x walking three nested loops with constant
//   strides,
// with x a vector of examples, or of examples at neighbouring places, and w one broadcast number.
// Weights stay in PyTorch's order.
// Include it inside foreach_target code only.
#if defined(CAIRN_PRODUCT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CAIRN_PRODUCT_INL_H_
#undef CAIRN_PRODUCT_INL_H_
#else
#define CAIRN_PRODUCT_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "core/simd.h"
#include "kernels/unary/activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Most columns of a tile.
constexpr int kTileColumns = 3;
/// Most outputs of a tile: its sums, its columns and a weight fill the registers of the target.
constexpr int tile_rows(int columns) {
  if (HWY_TARGET <= HWY_AVX3) return columns == 3 ? 8 : 12;
  return columns == 3 ? 4 : 6;
}

/// Outputs of a tile of two columns in matmul.
constexpr int kTileRows = HWY_TARGET <= HWY_AVX3 ? 8 : 4;

/// Keeps a loaded vector in a register: g++ otherwise folds the load into each product that uses
/// it, and loads become the bottleneck.
template <class V>
HWY_INLINE void keep_in_register(V& v) {
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
  asm("" : "+v"(v.raw));
#endif
  (void)v;
}

/// One of the three nested loops: how often, and the steps of w and x in elements.
struct ProductLoop {
  int64_t count = 1, w = 0, x = 0;
};

struct ProductTile {
  ProductLoop loops[3];                // outermost first
  int64_t w_row = 0;                   // elements of w from an output to the next
  int64_t y_row = 0;                   // elements of y from an output to the next
  int64_t x_column = 0, y_column = 0;  // elements from a vector to the next
  const float* bias = nullptr;
  bool adds = false;  // to what y holds, in place of the bias
  Activation activation = Activation::none;
};

/// Accumulates in registers from the bias on, stores, applies the activation. Its vectors lie side
/// by side unless kSpread.
template <int kRows, int kColumns, bool kSpread, class D>
HWY_NOINLINE void product_tile(D d, const ProductTile& t, const float* w, const float* x,
                               float* y) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t x_column = kSpread ? t.x_column : lanes, y_column = kSpread ? t.y_column : lanes;
  hn::Vec<D> sum[kRows][kColumns];
  CAIRN_UNROLL for (int r = 0; r < kRows; ++r) {
    const auto first = t.bias ? hn::Set(d, t.bias[r]) : hn::Zero(d);
    CAIRN_UNROLL for (int c = 0; c < kColumns; ++c) sum[r][c] =
        t.adds ? hn::LoadU(d, y + r * t.y_row + c * y_column) : first;
  }
  for (int64_t i = 0; i < t.loops[0].count; ++i) {
    for (int64_t j = 0; j < t.loops[1].count; ++j) {
      const float* wk = w + i * t.loops[0].w + j * t.loops[1].w;
      const float* xk = x + i * t.loops[0].x + j * t.loops[1].x;
      for (int64_t k = 0; k < t.loops[2].count; ++k, wk += t.loops[2].w, xk += t.loops[2].x) {
        hn::Vec<D> xs[kColumns];
        CAIRN_UNROLL for (int c = 0; c < kColumns; ++c) xs[c] = hn::LoadU(d, xk + c * x_column);
        CAIRN_UNROLL for (int r = 0; r < kRows; ++r) {
          const auto weight = hn::Set(d, wk[r * t.w_row]);
          CAIRN_UNROLL for (int c = 0; c < kColumns; ++c) sum[r][c] =
              hn::MulAdd(weight, xs[c], sum[r][c]);
        }
      }
    }
  }
  CAIRN_UNROLL for (int r = 0; r < kRows; ++r) CAIRN_UNROLL for (int c = 0; c < kColumns; ++c)
      hn::StoreU(sum[r][c], d, y + r * t.y_row + c * y_column);
  if (t.activation == Activation::none) return;
  for (int64_t r = 0; r < kRows; ++r)  // from cache: unrolled, its code would be most of the tile's
    for (int64_t c = 0; c < kColumns; ++c) {
      float* at = y + r * t.y_row + c * y_column;
      hn::StoreU(Activate(d, t.activation, hn::LoadU(d, at)), d, at);
    }
}

template <class D>
using TileFn = void (*)(D, const ProductTile&, const float*, const float*, float*);

/// The tile for `rows` outputs, 1 to tile_rows(kColumns).
template <int kColumns, bool kSpread, class D, int kRows = tile_rows(kColumns)>
TileFn<D> tile_for(int64_t rows) {
  if constexpr (kRows > 1)
    if (rows < kRows) return tile_for<kColumns, kSpread, D, kRows - 1>(rows);
  return product_tile<kRows, kColumns, kSpread, D>;
}

/// The first of the fewest parts of `count`, each at most `most`, that are as equal as can be.
inline int64_t even_part(int64_t count, int64_t most) {
  const int64_t parts = (count + most - 1) / most;
  return (count + parts - 1) / parts;
}

/// `rows` outputs at kColumns vectors.
template <int kColumns, bool kSpread, class D>
void product_columns(D d, ProductTile tile, int64_t rows, const float* w, const float* x,
                     float* y) {
  const float* bias = tile.bias;
  for (int64_t r = 0, count; r < rows; r += count) {
    count = even_part(rows - r, tile_rows(kColumns));
    if (bias) tile.bias = bias + r;
    tile_for<kColumns, kSpread, D>(count)(d, tile, w + r * tile.w_row, x, y + r * tile.y_row);
  }
}

/// `rows` outputs at `vectors` vectors.
template <bool kSpread, class D>
void product_vectors(D d, const ProductTile& tile, int64_t rows, int64_t vectors, const float* w,
                     const float* x, float* y) {
  constexpr bool kFull = hn::MaxLanes(D()) == hn::MaxLanes(hn::ScalableTag<float>());
  constexpr int kMostColumns = kFull ? kTileColumns : 1;
  for (int64_t columns; vectors > 0; vectors -= columns) {
    columns = even_part(vectors, kMostColumns);
    auto product = product_columns<1, false, D>;
    if constexpr (kMostColumns > 1) {
      if (columns == 2) product = product_columns<2, kSpread, D>;
      if (columns == 3) product = product_columns<3, kSpread, D>;
    }
    product(d, tile, rows, w, x, y);
    x += columns * tile.x_column, y += columns * tile.y_column;
  }
}

/// `rows` outputs at `length` lanes that lie side by side, in x as in y. Where they are no whole
/// number of vectors the last vector overlaps the one before: its lanes come out the same again. A
/// tile that adds would add twice there, so its rest goes by narrower vectors.
template <class D>
void product_run(D d, ProductTile tile, int64_t rows, int64_t length, const float* w,
                 const float* x, float* y) {
  constexpr auto kLanes = hn::MaxLanes(D());
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  if constexpr (kLanes > 1)
    if (length < lanes)
      return product_run(hn::CappedTag<float, (kLanes > 8 ? 8 : 1)>(), tile, rows, length, w, x, y);
  tile.x_column = tile.y_column = lanes;
  product_vectors<false>(d, tile, rows, length / lanes, w, x, y);
  const int64_t rest = length % lanes;
  if (rest == 0) return;
  if (tile.adds)
    product_run(d, tile, rows, rest, w, x + length - rest, y + length - rest);
  else
    product_columns<1, false>(d, tile, rows, w, x + length - lanes, y + length - lanes);
}

/// `rows` outputs at `places` places of `width` lanes, which are x_place and y_place elements
/// apart.
inline void product_places(const ProductTile& tile, int64_t rows, int64_t places, int64_t width,
                           int64_t x_place, int64_t y_place, const float* w, const float* x,
                           float* y) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  if (x_place == width && y_place == width)
    return product_run(d, tile, rows, places * width, w, x, y);
  if (width % lanes != 0) {
    for (int64_t k = 0; k < places; ++k)
      product_run(d, tile, rows, width, w, x + k * x_place, y + k * y_place);
    return;
  }
  ProductTile spread = tile;
  spread.x_column = x_place, spread.y_column = y_place;
  for (int64_t i = 0; i < width; i += lanes)
    product_vectors<true>(d, spread, rows, places, w, x + i, y + i);
}

/// Calls f(d) with the widest vectors that divide a slice of `width` examples: full ones, of eight
/// examples, or single examples.
template <class F>
void with_lanes(int64_t width, F f) {
  const hn::ScalableTag<float> full;
  const hn::CappedTag<float, 8> eight;
  const hn::CappedTag<float, 1> one;
  if (width % static_cast<int64_t>(hn::Lanes(full)) == 0)
    f(full);
  else if (width % static_cast<int64_t>(hn::Lanes(eight)) == 0)
    f(eight);
  else
    f(one);
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
