// Rows are columns of a slice, walked as in kernels/softmax. The mean is added up first and its
// rounding found in a second pass with the variance, so that a row is read thrice, forward, and
// twice backward, from cache. Sums over rows and examples are made element by element of a row.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/layer_norm/layer_norm_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include "kernels/layer_norm/layer_norm.h"
#include "kernels/softmax/softmax-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

/// RowStats of the rows in a vector's lanes.
template <class D, class V = hn::Vec<D>>
struct StatsOfLanes {
  V shift, rest, inverse;

  HWY_INLINE V normalized(V x) const { return hn::Mul(hn::Sub(hn::Sub(x, shift), rest), inverse); }
};

template <class Walk>
HWY_INLINE auto load_stats(const Walk& walk, const float* stats, int64_t stride) {
  return StatsOfLanes<decltype(walk.d)>{walk.get(stats), walk.get(stats + stride),
                                        walk.get(stats + 2 * stride)};
}

/// The sums of both values of terms(i, lanes) along each column.
template <class Walk, class F>
HWY_INLINE auto two_sums(const Walk& walk, F terms) {
  LongSum a(walk.d), b(walk.d);
  const auto none = hn::Zero(walk.d);
  walk.each([&](int64_t i, auto lanes) HWY_ATTR {
    const auto [first, second] = terms(i, lanes);
    a.add(lanes.choose(first, none));
    b.add(lanes.choose(second, none));
  });
  return std::pair(walk.sum(a.result()), walk.sum(b.result()));
}

void run_layer_norm(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0], &stats = args.out[1];
  const auto *w = args.in[1].as<float>(), *b = args.in[2].as<float>();
  const LayerNormShape shape(args, x);
  const auto eps = static_cast<float>(args.attrs->real(layer_norm_attr::eps));
  for_columns(args, shape, [&](auto walk, int64_t s, int64_t at) HWY_ATTR {
    const auto d = walk.d;
    const float* from = x.slice<float>(s) + at;
    float *to = y.slice<float>(s) + at, *row = stats.slice<float>(s) + shape.stats(at);
    const auto n = hn::Set(d, static_cast<float>(shape.size));
    const auto mean = hn::Div(
        SumOf(walk, [&](int64_t i, auto lanes) HWY_ATTR { return lanes.load(d, from + i); }), n);
    const auto [sum, squares] = two_sums(walk, [&](int64_t i, auto lanes) HWY_ATTR {
      const auto e = hn::Sub(lanes.load(d, from + i), mean);
      return std::pair(e, hn::Mul(e, e));
    });
    const auto rest = hn::Div(sum, n), about = hn::Div(squares, n);
    const auto variance = hn::Max(hn::Zero(d), hn::NegMulAdd(rest, rest, about));
    const auto deviation = hn::Sqrt(hn::Add(variance, hn::Set(d, eps)));
    const StatsOfLanes<decltype(d)> of_row{mean, rest, hn::Div(hn::Set(d, 1.0f), deviation)};
    walk.put(of_row.shift, row);
    walk.put(of_row.rest, row + shape.stride);
    walk.put(of_row.inverse, row + 2 * shape.stride);
    walk.each([&](int64_t i, auto lanes) HWY_ATTR {
      auto z = of_row.normalized(lanes.load(d, from + i));
      if (w) z = hn::Mul(z, lanes.along(d, w, i));
      if (b) z = hn::Add(z, lanes.along(d, b, i));
      lanes.store(z, d, to + i);
    });
  });
}

void run_layer_norm_grad(const Args& args) {
  const Tensor &dy = args.in[0], &x = args.in[1], &stats = args.in[2], &dx = args.out[0];
  const float* w = args.in[3].as<float>();
  const LayerNormShape shape(args, x);
  for_columns(args, shape, [&](auto walk, int64_t s, int64_t at) HWY_ATTR {
    const auto d = walk.d;
    const float *from = x.slice<float>(s) + at, *g = dy.slice<float>(s) + at;
    const auto row = load_stats(walk, stats.slice<float>(s) + shape.stats(at), shape.stride);
    const auto slope = [&](int64_t i, auto lanes) HWY_ATTR {
      const auto v = lanes.load(d, g + i);
      return w ? hn::Mul(v, lanes.along(d, w, i)) : v;
    };
    const auto [sum, products] = two_sums(walk, [&](int64_t i, auto lanes) HWY_ATTR {
      const auto v = slope(i, lanes);
      return std::pair(v, hn::Mul(v, row.normalized(lanes.load(d, from + i))));
    });
    const auto n = hn::Set(d, static_cast<float>(shape.size));
    const auto offset = hn::Div(sum, n), factor = hn::Div(products, n);
    float* to = dx.slice<float>(s) + at;
    walk.each([&](int64_t i, auto lanes) HWY_ATTR {
      const auto xh = row.normalized(lanes.load(d, from + i));
      const auto centred = hn::NegMulAdd(xh, factor, hn::Sub(slope(i, lanes), offset));
      lanes.store(hn::Mul(centred, row.inverse), d, to + i);
    });
  });
}

void run_layer_norm_grad_sums(const Args& args) {
  const Tensor &dy = args.in[0], &x = args.in[1], &stats = args.in[2];
  float *dweight = args.out[0].as<float>(), *dbias = args.out[1].as<float>();
  const LayerNormShape shape(args, x);
  constexpr int64_t kTaskElements = 16384;
  const int64_t grain = kTaskElements / std::max<int64_t>(1, shape.count()) + 1;
  for_ranges(args, shape.size, grain, [&](int64_t begin, int64_t end) HWY_ATTR {
    for (int64_t s = 0; s < x.batch.slices; ++s)
      for (int64_t k = begin; k < end; ++k)
        for_lanes(args.valid_lanes(x, s), [&](auto d, int64_t n) HWY_ATTR {
          const SideBySide<decltype(d)> rows{d, shape.outer, shape.size * shape.stride};
          const int64_t first = k * shape.stride + n;
          const auto [products, sum] = two_sums(rows, [&](int64_t i, auto lanes) HWY_ATTR {
            const float* row = stats.slice<float>(s) + lanes.k * 3 * shape.stride + n;
            const auto g = lanes.load(d, dy.slice<float>(s) + first + i);
            const auto v = lanes.load(d, x.slice<float>(s) + first + i);
            return std::pair(hn::Mul(g, load_stats(rows, row, shape.stride).normalized(v)), g);
          });
          dweight[k] += hn::GetLane(hn::SumOfLanes(d, products));
          dbias[k] += hn::GetLane(hn::SumOfLanes(d, sum));
        });
  });
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(run_layer_norm);
HWY_EXPORT(run_layer_norm_grad);
HWY_EXPORT(run_layer_norm_grad_sums);

void layer_norm_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_layer_norm)(args); }
void layer_norm_grad_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_layer_norm_grad)(args); }
void layer_norm_grad_sums_cpu(const Args& args) {
  HWY_DYNAMIC_DISPATCH(run_layer_norm_grad_sums)(args);
}

}  // namespace cairn
#endif
