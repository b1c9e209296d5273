// A channel of a slice is one run of floats, so that all loops are along memory; a slice with spare
// examples is summed row by row under a mask. Sums of a tile are made in float about its first
// value and moved to zero in double.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/batch_norm/batch_norm_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include "kernels/batch_norm/batch_norm.h"
#include "kernels/unary/activation-inl.h"
#include "kernels/unary/elementwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

/// Two sums in double, made of vectors' sums over tiles.
struct PairOfSums {
  double first = 0, second = 0;
};

/// Calls f(first, second, in...) for vectors at every place of a tile, with two independent pairs
/// of sums, and adds them up. The last vector may be a part; its other lanes are left out.
template <class F, class... In>
HWY_INLINE PairOfSums sum_tile(F f, int64_t n, const In*... in) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  V a0 = hn::Zero(d), a1 = a0, b0 = a0, b1 = a0;
  int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    f(a0, b0, hn::LoadU(d, in + i)...);
    f(a1, b1, hn::LoadU(d, in + i + lanes)...);
  }
  for (; i < n; i += lanes) {
    const auto real = hn::FirstN(d, static_cast<size_t>(std::min(lanes, n - i)));
    V a = hn::Zero(d), b = a;
    f(a, b, hn::MaskedLoad(real, d, in + i)...);
    a0 = hn::Add(a0, hn::IfThenElseZero(real, a));
    b0 = hn::Add(b0, hn::IfThenElseZero(real, b));
  }
  return {hn::GetLane(hn::SumOfLanes(d, hn::Add(a0, a1))),
          hn::GetLane(hn::SumOfLanes(d, hn::Add(b0, b1)))};
}

/// Calls f(place, count) for the tiles of a channel's real values in a slice: `positions` rows of
/// `width`, the first `valid` of each row.
template <class F>
HWY_INLINE void for_tiles(int64_t positions, int64_t width, int64_t valid, F f) {
  constexpr int64_t kTile = 2048;  // elements: float sums of more would lose digits
  const int64_t run = valid == width ? positions * width : valid;
  for (int64_t row = 0; row < positions * width; row += valid == width ? run : width)
    for (int64_t i = 0; i < run; i += kTile) f(row + i, std::min(kTile, run - i));
}

/// For each channel of each slice, on the call's threads by channel: f(channel, its first element
/// in the slice, slice).
template <class F>
HWY_INLINE void for_channels(const Args& args, const Tensor& x, F f) {
  const ChannelRuns runs(x);
  const int64_t run = runs.positions * x.batch.width;
  for_ranges(args, runs.channels, 1, [&](int64_t c, int64_t) HWY_ATTR {
    for (int64_t s = 0; s < x.batch.slices; ++s) f(c, c * run, s);
  });
}

void run_sums(const Args& args) {
  const Tensor& x = args.in[0];
  const ChannelRuns runs(x);
  double* sums = args.out[0].as<double>();
  for_channels(args, x, [&](int64_t c, int64_t begin, int64_t s) HWY_ATTR {
    const float* from = x.slice<float>(s) + begin;
    for_tiles(runs.positions, x.batch.width, args.valid_lanes(x, s),
              [&](int64_t i, int64_t n) HWY_ATTR {
                const float* tile = from + i;
                const V shift = hn::Set(D(), *tile);
                const PairOfSums about = sum_tile(
                    [shift](V& sum, V& squares, V v) HWY_ATTR {
                      const V e = hn::Sub(v, shift);
                      sum = hn::Add(sum, e);
                      squares = hn::MulAdd(e, e, squares);
                    },
                    n, tile);
                const double m = *tile, count = static_cast<double>(n);
                sums[2 * c] += about.first + count * m;
                sums[2 * c + 1] += about.second + 2 * m * about.first + count * m * m;
              });
  });
}

template <bool relu, class... In>
HWY_INLINE void normalize_run(const Normalizer<float>& map, int64_t n, float* y, const float* x,
                              const In*... residual) {
  map_run(
      n,
      [&](auto d, auto v, auto... r) HWY_ATTR {
        auto z = hn::MulAdd(hn::Sub(v, hn::Set(d, map.shift)), hn::Set(d, map.scale),
                            hn::Set(d, map.offset));
        ((z = hn::Add(z, r)), ...);
        return relu ? Activate(d, Activation::relu, z) : z;
      },
      y, x, residual...);
}

/// y of all lanes; `stats`(c) makes the channel's Normalizer. The residual follows the weights.
template <class Stats>
HWY_INLINE void normalize(const Args& args, int weight, bool relu, Stats stats) {
  const Tensor &x = args.in[0], &residual = args.in[weight + 2], &y = args.out[0];
  const int64_t n = ChannelRuns(x).positions * x.batch.width;
  for_channels(args, x, [&](int64_t c, int64_t begin, int64_t s) HWY_ATTR {
    const Normalizer<float> map = stats(c);
    const float* from = x.slice<float>(s) + begin;
    float* to = y.slice<float>(s) + begin;
    const auto* add = residual.data ? residual.slice<float>(s) + begin : nullptr;
    if (add)
      relu ? normalize_run<true>(map, n, to, from, add)
           : normalize_run<false>(map, n, to, from, add);
    else
      relu ? normalize_run<true>(map, n, to, from) : normalize_run<false>(map, n, to, from);
  });
}

void run_normalize(const Args& args) {
  const double* stats = args.in[1].as<double>();
  const auto *w = args.in[2].as<float>(), *b = args.in[3].as<float>();
  normalize(args, 2, args.attrs->flag(0),
            [&](int64_t c) { return Normalizer<float>(stats[2 * c], stats[2 * c + 1], w, b, c); });
}

void run_inference(const Args& args) {
  const auto *mean = args.in[1].as<float>(), *variance = args.in[2].as<float>();
  const auto *w = args.in[3].as<float>(), *b = args.in[4].as<float>();
  const double eps = args.attrs->real(batch_norm_attr::eps);
  normalize(args, 3, args.attrs->flag(batch_norm_attr::inference_activation), [&](int64_t c) {
    return Normalizer<float>(mean[c], 1 / std::sqrt(variance[c] + eps), w, b, c);
  });
}

/// Sums of dz (x - shift) and of dz over a channel's real values in a slice.
HWY_INLINE PairOfSums grad_sums(const ChannelRuns& runs, int64_t width, int64_t valid, float shift,
                                const float* dz, const float* x) {
  const V from = hn::Set(D(), shift);
  PairOfSums total;
  for_tiles(runs.positions, width, valid, [&](int64_t i, int64_t n) HWY_ATTR {
    const PairOfSums sums = sum_tile(
        [from](V& products, V& sum, V d, V v) HWY_ATTR {
          products = hn::MulAdd(d, hn::Sub(v, from), products);
          sum = hn::Add(sum, d);
        },
        n, dz + i, x + i);
    total.first += sums.first, total.second += sums.second;
  });
  return total;
}

void run_grad_sums(const Args& args) {
  const Tensor &dz = args.in[0], &x = args.in[1];
  const double* stats = args.in[2].as<double>();
  const ChannelRuns runs(x);
  float *dweight = args.out[0].as<float>(), *dbias = args.out[1].as<float>();
  for_channels(args, x, [&](int64_t c, int64_t begin, int64_t s) HWY_ATTR {
    const float *dz_run = dz.slice<float>(s) + begin, *x_run = x.slice<float>(s) + begin;
    const auto shift = static_cast<float>(stats[2 * c]);
    const PairOfSums total =
        grad_sums(runs, x.batch.width, args.valid_lanes(x, s), shift, dz_run, x_run);
    dweight[c] += static_cast<float>((total.first - (stats[2 * c] - shift) * total.second) *
                                     stats[2 * c + 1]);
    dbias[c] += static_cast<float>(total.second);
  });
}

void run_grad_input(const Args& args) {
  const Tensor &dz = args.in[0], &x = args.in[1], &dx = args.out[0];
  const double* stats = args.in[2].as<double>();
  const auto *dweight = args.in[3].as<float>(), *dbias = args.in[4].as<float>();
  const auto* w = args.in[5].as<float>();
  const int64_t positions = ChannelRuns(x).positions, run = positions * x.batch.width;
  const auto values = static_cast<double>(std::max<int64_t>(1, args.step->n_valid * positions));
  for_channels(args, x, [&](int64_t c, int64_t begin, int64_t s) HWY_ATTR {
    const NormalizerGrad<float> map(values, stats[2 * c], stats[2 * c + 1], w, dweight[c], dbias[c],
                                    c);
    map_run(
        run,
        [&](auto d, auto g, auto v) HWY_ATTR {
          const auto line = hn::MulAdd(hn::Set(d, map.slope), hn::Sub(v, hn::Set(d, map.shift)),
                                       hn::Set(d, map.offset));
          return hn::MulSub(hn::Set(d, map.scale), g, line);
        },
        dx.slice<float>(s) + begin, static_cast<const float*>(dz.slice<float>(s)) + begin,
        static_cast<const float*>(x.slice<float>(s)) + begin);
  });
}

void run_inference_grad(const Args& args) {
  const Tensor &dz = args.in[0], &x = args.in[1], &dx = args.out[0];
  const auto *mean = args.in[2].as<float>(), *variance = args.in[3].as<float>();
  const auto* w = args.in[4].as<float>();
  float *dweight = args.out[1].as<float>(), *dbias = args.out[2].as<float>();
  const double eps = args.attrs->real(batch_norm_attr::eps);
  const ChannelRuns runs(x);
  for_channels(args, x, [&](int64_t c, int64_t begin, int64_t s) HWY_ATTR {
    const float *dz_run = dz.slice<float>(s) + begin, *x_run = x.slice<float>(s) + begin;
    const double inverse = 1 / std::sqrt(variance[c] + eps);
    const PairOfSums total =
        grad_sums(runs, x.batch.width, args.valid_lanes(x, s), mean[c], dz_run, x_run);
    dweight[c] += static_cast<float>(total.first * inverse);
    dbias[c] += static_cast<float>(total.second);
    const auto scale = static_cast<float>(w ? w[c] * inverse : inverse);
    map_run(
        runs.positions * x.batch.width,
        [scale](auto d, auto g) HWY_ATTR { return hn::Mul(hn::Set(d, scale), g); },
        dx.slice<float>(s) + begin, dz_run);
  });
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(run_inference);
HWY_EXPORT(run_inference_grad);
HWY_EXPORT(run_sums);
HWY_EXPORT(run_normalize);
HWY_EXPORT(run_grad_sums);
HWY_EXPORT(run_grad_input);

void batch_norm_inference_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_inference)(args); }
void batch_norm_inference_grad_cpu(const Args& args) {
  HWY_DYNAMIC_DISPATCH(run_inference_grad)(args);
}
void batch_norm_sums_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_sums)(args); }
void batch_norm_normalize_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_normalize)(args); }
void batch_norm_grad_sums_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_grad_sums)(args); }
void batch_norm_grad_input_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_grad_input)(args); }

}  // namespace cairn
#endif
