// The layer on slices [features][examples]: the products of product-inl.h, whose x walks the inputs
// (or the outputs, for dx). Weights are read where they lie, 4 bytes each once a slice.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/linear/linear_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include <algorithm>

#include "kernels/linear/linear.h"
#include "kernels/linear/product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

constexpr int64_t kLaneRun = 32;   // examples that dw takes at a time
constexpr int64_t kInputRun = 64;  // inputs that dw takes at a time

void linear(const Args& args) {
  const Tensor &x = args.in[0], &w = args.in[1], &b = args.in[2], &y = args.out[0];
  const int64_t width = x.batch.width, in = x.features;
  ProductTile tile;
  tile.loops[2] = {in, 1, width};
  tile.w_row = in, tile.y_row = width;
  tile.bias = b.as<float>();
  tile.activation = static_cast<Activation>(args.attrs->integer(linear_attr::activation));
  for (int64_t s = 0; s < x.batch.slices; ++s)
    product_run(hn::ScalableTag<float>(), tile, y.features, width, w.as<float>(), x.slice<float>(s),
                y.slice<float>(s));
}

void linear_dx(const Args& args) {
  const Tensor &dy = args.in[0], &w = args.in[1], &dx = args.out[0];
  const int64_t width = dx.batch.width;
  ProductTile tile;
  tile.loops[2] = {dy.features, dx.features, width};
  tile.w_row = 1, tile.y_row = width;
  for (int64_t s = 0; s < dx.batch.slices; ++s)
    product_run(hn::ScalableTag<float>(), tile, dx.features, width, w.as<float>(),
                dy.slice<float>(s), dx.slice<float>(s));
}

/// dw[r][i..] += sum over `examples` of dy[r][n] xt[n][i..] for kRows outputs and two vectors of
/// inputs, `inputs` of which there are.
template <int kRows, class D>
HWY_NOINLINE void dw_tile(D d, int64_t examples, const float* dy, int64_t width, const float* xt,
                          float* dw, int64_t in, int64_t inputs) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<D> sum[kRows][2];
  CAIRN_UNROLL for (int r = 0; r < kRows; ++r) sum[r][0] = sum[r][1] = hn::Zero(d);
  for (int64_t n = 0; n < examples; ++n) {
    const auto x0 = hn::LoadU(d, xt + n * kInputRun), x1 = hn::LoadU(d, xt + n * kInputRun + lanes);
    CAIRN_UNROLL for (int r = 0; r < kRows; ++r) {
      const auto g = hn::Set(d, dy[r * width + n]);
      sum[r][0] = hn::MulAdd(g, x0, sum[r][0]);
      sum[r][1] = hn::MulAdd(g, x1, sum[r][1]);
    }
  }
  const auto here = [&](int64_t v) {
    return hn::FirstN(d, static_cast<size_t>(std::clamp<int64_t>(inputs - v * lanes, 0, lanes)));
  };
  CAIRN_UNROLL for (int r = 0; r < kRows; ++r) CAIRN_UNROLL for (int v = 0; v < 2; ++v) {
    float* at = dw + r * in + v * lanes;
    const auto mask = here(v);
    hn::BlendedStore(hn::Add(hn::MaskedLoad(mask, d, at), sum[r][v]), mask, d, at);
  }
}

/// The inputs [i, i + inputs) of `examples` lanes: x transposed to [example][input], with zeros up
/// to whole tiles, then tiles of it.
template <class D>
void dw_run(D d, const float* x, const float* dy, float* dw, int64_t width, int64_t examples,
            int64_t inputs, int64_t in, int64_t out) {
  HWY_ALIGN float xt[kLaneRun * kInputRun];
  const int64_t step = 2 * static_cast<int64_t>(hn::Lanes(d));
  const int64_t padded = (inputs + step - 1) / step * step;
  for (int64_t i = 0; i < inputs; ++i)
    for (int64_t n = 0; n < examples; ++n) xt[n * kInputRun + i] = x[i * width + n];
  for (int64_t n = 0; n < examples; ++n)
    std::fill(xt + n * kInputRun + inputs, xt + n * kInputRun + padded, 0.0f);
  for (int64_t i = 0; i < padded; i += step)
    for (int64_t o = 0; o < out;) {
      const int64_t left = out - o;
      const int64_t rows = left >= kTileRows ? kTileRows : left >= 4 ? 4 : left >= 2 ? 2 : 1;
      const auto fn = rows == 1   ? dw_tile<1, D>
                      : rows == 2 ? dw_tile<2, D>
                      : rows == 4 ? dw_tile<4, D>
                                  : dw_tile<kTileRows, D>;
      fn(d, examples, dy + o * width, width, xt + i, dw + o * in + i, in, inputs - i);
      o += rows;
    }
}

void linear_dw(const Args& args) {
  const Tensor &x = args.in[0], &dy = args.in[1], &dw = args.out[0];
  const int64_t width = x.batch.width, in = x.features, out = dy.features;
  const hn::ScalableTag<float> d;
  for (int64_t s = 0; s < x.batch.slices; ++s) {
    const int64_t valid = args.valid_lanes(x, s);
    for (int64_t n = 0; n < valid; n += kLaneRun)
      for (int64_t i = 0; i < in; i += kInputRun)
        dw_run(d, x.slice<float>(s) + i * width + n, dy.slice<float>(s) + n, dw.as<float>() + i,
               width, std::min(kLaneRun, valid - n), std::min(kInputRun, in - i), in, out);
  }
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(linear);
HWY_EXPORT(linear_dx);
HWY_EXPORT(linear_dw);

void linear_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(linear)(args); }
void linear_dx_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(linear_dx)(args); }
void linear_dw_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(linear_dw)(args); }

}  // namespace cairn
#endif
