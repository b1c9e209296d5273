// The layer on slices [features][examples]: the products of product-inl.h, whose x walks the inputs
// (or the outputs, for dx).
//
// Called for one slice, weights are read where they lie, 4 bytes each. Called for all slices, a
// task takes some features of every slice, and of the terms of their sums as many at a time as
// keep the slices' rows in the second-level cache: a weight comes from memory once.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/linear/linear_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include <hwy/cache_control.h>

#include <algorithm>

#include "kernels/bias/bias.h"
#include "kernels/linear/linear.h"
#include "kernels/linear/product-inl.h"
#include "kernels/linear/turn-inl.h"
#include "kernels/unary/onward-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

constexpr int64_t kRowRun = 96;     // most features of a task
constexpr int64_t kDepthRun = 256;  // terms of a sum that a task takes at a time
// Of dw:
constexpr int64_t kInputRun = 64, kOutputRun = 256;  // weights of a task
constexpr int64_t kLaneRun = 128;                    // examples that a task takes at a time

/// Of a layer's features those that a task takes: of more than kRowRun about equal parts, a
/// multiple of four, for any number of threads to share.
int64_t task_features(int64_t features) {
  if (features <= kRowRun) return std::max<int64_t>(features, 1);
  const int64_t tasks = (features + 4 * kRowRun - 1) / (4 * kRowRun) * 4;
  return (features + tasks - 1) / tasks;
}

/// y[r] = act(b[r] + sum over k of w[r][k] x[k]). `tile` has the steps of w, and weights(r, rows,
/// k, depth, packed) tells where w[r][k] lies, or packs those of `rows` outputs and `depth` terms.
/// finish(slice, first element, elements, y) takes what is done of a slice.
template <class Weights, class Finish>
void products(const Args& args, const ProductTile& tile, const Tensor& x, const Tensor& y,
              Weights weights, Finish finish) {
  const int64_t terms = x.features, width = x.batch.width, slices = x.batch.slices;
  const int64_t most = slices > 1 ? kDepthRun : std::max<int64_t>(terms, 1);
  for_ranges(args, y.features, task_features(y.features), [&](int64_t r, int64_t end) {
    HWY_ALIGN float packed[kDepthRun * kRowRun];
    ProductTile part = tile;
    for (int64_t k = 0; k == 0 || k < terms; k += most) {
      const int64_t depth = std::min(most, terms - k);
      part.loops[2].count = depth;
      part.adds = k > 0;
      part.bias = tile.bias && k == 0 ? tile.bias + r : nullptr;
      part.activation = k + depth == terms ? tile.activation : Activation::none;
      const float* w = weights(r, end - r, k, depth, packed);
      for (int64_t s = 0; s < slices; ++s) {
        float* to = y.slice<float>(s) + r * width;
        product_run(hn::ScalableTag<float>(), part, end - r, width, w,
                    x.slice<float>(s) + k * width, to);
        if (k + depth == terms) finish(s, r * width, (end - r) * width, to);
      }
    }
  });
}

void linear(const Args& args) {
  const Tensor &x = args.in[0], &w = args.in[1], &y = args.out[0];
  ProductTile tile;
  tile.loops[2] = {0, 1, x.batch.width};
  tile.w_row = x.features, tile.y_row = x.batch.width;
  tile.bias = args.in[2].as<float>();
  tile.activation = static_cast<Activation>(args.attrs->integer(linear_attr::activation));
  products(
      args, tile, x, y,
      [&](int64_t r, int64_t, int64_t k, int64_t, float*) {
        return w.as<float>() + r * x.features + k;
      },
      [](int64_t, int64_t, int64_t, float*) {});
}

void linear_dx(const Args& args) {
  const Tensor &dy = args.in[0], &w = args.in[1], &dx = args.out[0];
  const Onward onward(args, linear_attr::activation, args.in[2]);
  const bool packs = dy.batch.slices > 1;
  ProductTile tile;
  tile.loops[2] = {0, packs ? kRowRun : dx.features, dx.batch.width};
  tile.w_row = 1, tile.y_row = dx.batch.width;
  products(
      args, tile, dy, dx,
      [&](int64_t r, int64_t rows, int64_t k, int64_t depth, float* packed) -> const float* {
        const float* from = w.as<float>() + k * dx.features + r;
        if (!packs) return from;
        for (int64_t i = 0; i < depth; ++i)
          std::copy_n(from + i * dx.features, rows, packed + i * kRowRun);
        return packed;
      },
      [&](int64_t s, int64_t at, int64_t elements, float* to) {
        onward.finish(s, at, elements, to);
      });
}

/// Some weights and examples of dw.
struct DwBlock {
  const float* dy = nullptr;     // of the first output
  int64_t slice = 0;             // elements from a slice of dy to the next
  int64_t width = 0, lanes = 0;  // of a slice, and those that are taken of each
  int64_t examples = 0;
  const float* xt = nullptr;  // [example][two vectors of inputs]
  int64_t inputs = 0;         // that exist
  float* dw = nullptr;
  int64_t dw_row = 0;

  DwBlock at(int64_t output, int64_t input) const {
    DwBlock block = *this;
    block.dy += output * width, block.xt += input * kLaneRun, block.inputs -= input;
    block.dw += output * dw_row + input;
    return block;
  }
};

/// dw[r][i..] += sum over the examples of dy[r][n] xt[n][i..] for kRows outputs and two vectors of
/// inputs.
template <int kRows, class D>
HWY_NOINLINE void dw_tile(D d, const DwBlock& t) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<D> sum[kRows][2];
  CAIRN_UNROLL for (int r = 0; r < kRows; ++r) {
    sum[r][0] = sum[r][1] = hn::Zero(d);
    // What will be added to comes from memory meanwhile.
    for (const int64_t at : {int64_t{0}, lanes, 2 * lanes - 1})
      hwy::Prefetch(t.dw + r * t.dw_row + at);
  }
  const float *dy = t.dy, *xt = t.xt;
  for (int64_t left = t.examples; left > 0; left -= t.lanes, dy += t.slice) {
    const int64_t here = std::min(left, t.lanes);
    for (int64_t n = 0; n < here; ++n, xt += 2 * lanes) {
      auto x0 = hn::LoadU(d, xt), x1 = hn::LoadU(d, xt + lanes);
      keep_in_register(x0);
      keep_in_register(x1);
      CAIRN_UNROLL for (int r = 0; r < kRows; ++r) {
        const auto g = hn::Set(d, dy[r * t.width + n]);
        sum[r][0] = hn::MulAdd(g, x0, sum[r][0]);
        sum[r][1] = hn::MulAdd(g, x1, sum[r][1]);
      }
    }
  }
  const hn::Mask<D> mask[2] = {
      hn::FirstN(d, static_cast<size_t>(std::min(t.inputs, lanes))),
      hn::FirstN(d, static_cast<size_t>(std::clamp<int64_t>(t.inputs - lanes, 0, lanes)))};
  CAIRN_UNROLL for (int r = 0; r < kRows; ++r) CAIRN_UNROLL for (int v = 0; v < 2; ++v) {
    float* at = t.dw + r * t.dw_row + v * lanes;
    hn::BlendedStore(hn::Add(hn::MaskedLoad(mask[v], d, at), sum[r][v]), mask[v], d, at);
  }
}

template <class D>
using DwTileFn = void (*)(D, const DwBlock&);

/// The tile for `rows` outputs, 1 to tile_rows(2).
template <class D, int kRows = tile_rows(2)>
DwTileFn<D> dw_tile_for(int64_t rows) {
  if constexpr (kRows > 1)
    if (rows < kRows) return dw_tile_for<D, kRows - 1>(rows);
  return dw_tile<kRows, D>;
}

/// to[n][i] = x[i][n] for `step` inputs a row, with zeros for those from `inputs` on.
void turn_inputs(const float* x, int64_t width, int64_t examples, int64_t inputs, int64_t step,
                 float* to) {
  for (int64_t i = 0; i < step; i += kSide)
    for (int64_t n = 0; n < examples; n += kSide)
      if (width % kSide == 0 && step % kSide == 0) {
        turn(x + i * width + n, width, inputs - i, to + n * step + i, step);
      } else {
        for (int64_t e = n; e < std::min(n + kSide, examples); ++e)
          for (int64_t k = i; k < std::min(i + kSide, step); ++k)
            to[e * step + k] = k < inputs ? x[k * width + e] : 0;
      }
}

/// The weights of outputs [o, o_end) and inputs [i, i_end), the examples kLaneRun at a time.
template <class D>
void dw_task(D d, const Args& args, int64_t o, int64_t o_end, int64_t i, int64_t i_end) {
  HWY_ALIGN float xt[kLaneRun * kInputRun];
  const Tensor &x = args.in[0], &dy = args.in[1], &dw = args.out[0];
  const int64_t step = 2 * static_cast<int64_t>(hn::Lanes(d));
  const int64_t inputs = i_end - i;
  const int64_t width = x.batch.width;
  DwBlock block;
  block.slice = dy.batch.slice_stride, block.width = width, block.lanes = std::min(width, kLaneRun);
  block.xt = xt, block.inputs = inputs;
  block.dw = dw.as<float>() + o * x.features + i, block.dw_row = x.features;
  const int64_t slices = std::max<int64_t>(1, kLaneRun / width);
  for (int64_t s = 0; s < x.batch.slices; s += slices)
    for (int64_t n = 0; n < width; n += kLaneRun) {
      block.examples = 0;
      for (int64_t k = s; k < std::min(s + slices, x.batch.slices); ++k) {
        const int64_t valid = std::clamp<int64_t>(args.valid_lanes(x, k) - n, 0, block.lanes);
        for (int64_t at = 0; at < inputs; at += step)
          turn_inputs(x.slice<float>(k) + (i + at) * width + n, width, valid, inputs - at, step,
                      xt + at * kLaneRun + block.examples * step);
        block.examples += valid;
      }
      if (block.examples == 0) continue;
      block.dy = dy.slice<float>(s) + o * width + n;
      for (int64_t r = 0, rows; r < o_end - o; r += rows) {
        rows = even_part(o_end - o - r, tile_rows(2));
        const DwTileFn<D> tile = dw_tile_for<D>(rows);
        for (int64_t k = 0; k < inputs; k += step) tile(d, block.at(r, k));
      }
    }
}

void linear_dw(const Args& args) {
  const int64_t in = args.in[0].features, out = args.in[1].features;
  const int64_t input_runs = (in + kInputRun - 1) / kInputRun;
  const int64_t output_runs = (out + kOutputRun - 1) / kOutputRun;
  for_ranges(args, input_runs * output_runs, 1, [&](int64_t task, int64_t) {
    const int64_t i = task / output_runs * kInputRun, o = task % output_runs * kOutputRun;
    dw_task(hn::ScalableTag<float>(), args, o, std::min(o + kOutputRun, out), i,
            std::min(i + kInputRun, in));
  });
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
void linear_dw_cpu(const Args& args) {
  HWY_DYNAMIC_DISPATCH(linear_dw)(args);
  make_bias_grad(args, args.in[1], args.out[1], bias_grad_cpu);
}

}  // namespace cairn
#endif
