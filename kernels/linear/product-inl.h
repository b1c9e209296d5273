// The register tile under linear and conv2d: products of weights with examples, lanes over the
// examples.
//
// One tile computes, for kRows outputs and kPixels neighbouring places,
//   out[r] = sum over a, b, c of w[r] x,   w and x walking three nested loops with constant
//   strides,
// with x a vector of examples and w one broadcast number. Weights stay in PyTorch's order.
// Include it inside foreach_target code only.
#if defined(CAIRN_PRODUCT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CAIRN_PRODUCT_INL_H_
#undef CAIRN_PRODUCT_INL_H_
#else
#define CAIRN_PRODUCT_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <type_traits>

#include "core/simd.h"
#include "kernels/unary/activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Outputs of a tile: with two vectors each the sums fill the registers of the target.
constexpr int kTileRows = HWY_TARGET <= HWY_AVX3 ? 8 : 4;
/// Most outputs of a tile over two places.
constexpr int kPairRows = HWY_TARGET <= HWY_AVX3 ? 6 : 2;

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
  ProductLoop loops[3];  // outermost first
  int64_t w_row = 0;     // elements of w from an output to the next
  int64_t x_pixel = 0;   // elements of x, and of y, from a place to the next
  int64_t y_pixel = 0;
  int64_t y_row = 0;  // elements of y from an output to the next
  const float* bias = nullptr;
  Activation activation = Activation::none;
};

/// kVectors vectors of examples at kPixels places for kRows outputs. Accumulates in registers, adds
/// the bias, applies the activation, stores.
template <int kRows, int kPixels, int kVectors, class D>
HWY_NOINLINE void product_tile(D d, const ProductTile& t, const float* w, const float* x,
                               float* y) {
  constexpr int kColumns = kPixels * kVectors;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<D> sum[kRows][kColumns];
  CAIRN_UNROLL for (int r = 0; r < kRows; ++r) {
    const auto first = t.bias ? hn::Set(d, t.bias[r]) : hn::Zero(d);
    CAIRN_UNROLL for (int c = 0; c < kColumns; ++c) sum[r][c] = first;
  }
  for (int64_t i = 0; i < t.loops[0].count; ++i) {
    for (int64_t j = 0; j < t.loops[1].count; ++j) {
      const float* wk = w + i * t.loops[0].w + j * t.loops[1].w;
      const float* xk = x + i * t.loops[0].x + j * t.loops[1].x;
      for (int64_t k = 0; k < t.loops[2].count; ++k, wk += t.loops[2].w, xk += t.loops[2].x) {
        hn::Vec<D> xs[kColumns];
        CAIRN_UNROLL for (int c = 0; c < kColumns; ++c) xs[c] =
            hn::LoadU(d, xk + c / kVectors * t.x_pixel + c % kVectors * lanes);
        CAIRN_UNROLL for (int r = 0; r < kRows; ++r) {
          const auto weight = hn::Set(d, wk[r * t.w_row]);
          CAIRN_UNROLL for (int c = 0; c < kColumns; ++c) sum[r][c] =
              hn::MulAdd(weight, xs[c], sum[r][c]);
        }
      }
    }
  }
  CAIRN_UNROLL for (int r = 0; r < kRows; ++r) CAIRN_UNROLL for (int c = 0; c < kColumns; ++c) {
    if (t.activation != Activation::none) sum[r][c] = Activate(d, t.activation, sum[r][c]);
    hn::StoreU(sum[r][c], d, y + r * t.y_row + c / kVectors * t.y_pixel + c % kVectors * lanes);
  }
}

template <int kPixels, int kVectors, class D>
using TileFn = void (*)(D, const ProductTile&, const float*, const float*, float*);

/// The tile for `rows` outputs: 1 to kTileRows, or to kPairRows where kPixels is 2.
template <int kPixels, int kVectors, class D, int kRows = kPixels == 2 ? kPairRows : kTileRows>
TileFn<kPixels, kVectors, D> tile_for(int64_t rows) {
  if constexpr (kRows > 1)
    if (rows < kRows) return tile_for<kPixels, kVectors, D, kRows - 1>(rows);
  return product_tile<kRows, kPixels, kVectors, D>;
}

/// Calls f(d, vectors) with the widest vectors that divide a slice of `width` examples: two full
/// ones, else one of eight examples, else single examples. `vectors` is an integral constant.
template <class F>
void with_lanes(int64_t width, F f) {
  const hn::ScalableTag<float> full;
  const hn::CappedTag<float, 8> eight;
  const hn::CappedTag<float, 1> one;
  if (width % static_cast<int64_t>(2 * hn::Lanes(full)) == 0)
    f(full, std::integral_constant<int, 2>());
  else if (width % static_cast<int64_t>(hn::Lanes(eight)) == 0)
    f(eight, std::integral_constant<int, 1>());
  else
    f(one, std::integral_constant<int, 1>());
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
