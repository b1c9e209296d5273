// Reductions read each element once, 4 bytes. Where neighbours in memory belong to different
// results (examples of a slice, or a last axis that stays) lanes are results; else lanes are terms
// and are put together at the end.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reduce/reduce_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include <limits>
#include <type_traits>

#include "core/simd.h"
#include "kernels/reduce/broadcast-inl.h"
#include "kernels/reduce/extremum-inl.h"
#include "kernels/reduce/reduce.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

constexpr int64_t kRows = 64;        // terms of a lane that are added before they join the total
constexpr int64_t kRunBlock = 4096;  // likewise of a contiguous run
constexpr int64_t kLanes = 128;      // results of a task
constexpr int64_t kTaskTerms = 16384;

/// How terms are put together; `terms` is their number.
template <Reduce f>
struct Fold {
  float terms = 1;

  template <class D>
  HWY_INLINE hn::Vec<D> start(D d) const {
    constexpr float kInf = std::numeric_limits<float>::infinity();
    return hn::Set(d, f == Reduce::amax ? -kInf : f == Reduce::amin ? kInf : 0.0f);
  }
  template <class V>
  HWY_INLINE V operator()(V a, V b) const {
    if constexpr (f == Reduce::amax || f == Reduce::amin)
      return Extremum<f == Reduce::amax>(a, b);
    else
      return hn::Add(a, b);
  }
  template <class D, class V>
  HWY_INLINE V finish(D d, V total) const {
    if constexpr (f == Reduce::mean)
      return hn::Div(total, hn::Set(d, terms));
    else
      return total;
  }
};

/// kVectors vectors of results side by side.
template <int kVectors, class D, class F>
HWY_INLINE void reduce_lanes(D d, F fold, const float* x, const Walk<1>& outer, const Axis<1>& rows,
                             float* y) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<D> total[kVectors], part[kVectors];
  CAIRN_UNROLL for (int v = 0; v < kVectors; ++v) total[v] = fold.start(d);
  for (int64_t o = 0, outers = outer.count(); o < outers; ++o) {
    const float* from = x + outer.offset(o);
    for (int64_t row = 0; row < rows.size; row += kRows) {
      CAIRN_UNROLL for (int v = 0; v < kVectors; ++v) part[v] = fold.start(d);
      const int64_t end = std::min(row + kRows, rows.size);
      for (int64_t r = row; r < end; ++r, from += rows.stride[0])
        CAIRN_UNROLL for (int v = 0; v < kVectors; ++v) part[v] =
            fold(part[v], hn::LoadU(d, from + v * lanes));
      CAIRN_UNROLL for (int v = 0; v < kVectors; ++v) total[v] = fold(total[v], part[v]);
    }
  }
  CAIRN_UNROLL for (int v = 0; v < kVectors; ++v)
      hn::StoreU(fold.finish(d, total[v]), d, y + v * lanes);
}

/// `n` results side by side.
template <class F>
HWY_INLINE void reduce_rows(int64_t n, F fold, const float* x, const Walk<1>& outer,
                            const Axis<1>& rows, float* y) {
  int64_t i = 0;
  const auto steps = [&](auto d, auto vectors) HWY_ATTR {
    constexpr int kVectors = decltype(vectors)::value;
    const auto lanes = static_cast<int64_t>(hn::Lanes(d)) * kVectors;
    for (; i + lanes <= n; i += lanes) reduce_lanes<kVectors>(d, fold, x + i, outer, rows, y + i);
  };
  steps(hn::ScalableTag<float>(), std::integral_constant<int, 4>());
  steps(hn::ScalableTag<float>(), std::integral_constant<int, 2>());
  steps(hn::ScalableTag<float>(), std::integral_constant<int, 1>());
  steps(hn::CappedTag<float, 8>(), std::integral_constant<int, 1>());
  steps(hn::CappedTag<float, 1>(), std::integral_constant<int, 1>());
}

/// One result, over runs of `n` neighbours.
template <class F>
HWY_INLINE float reduce_runs(int64_t n, F fold, const float* x, const Walk<1>& outer) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto total = fold.start(d);
  auto rest = fold.start(one);
  for (int64_t o = 0, outers = outer.count(); o < outers; ++o) {
    const float* from = x + outer.offset(o);
    int64_t i = 0;
    while (n - i >= lanes) {
      const int64_t end = std::min(n, i + kRunBlock);
      hn::Vec<decltype(d)> part[4];
      CAIRN_UNROLL for (int v = 0; v < 4; ++v) part[v] = fold.start(d);
      for (; i + 4 * lanes <= end; i += 4 * lanes)
        CAIRN_UNROLL for (int v = 0; v < 4; ++v) part[v] =
            fold(part[v], hn::LoadU(d, from + i + v * lanes));
      for (; i + lanes <= end; i += lanes) part[0] = fold(part[0], hn::LoadU(d, from + i));
      total = fold(total, fold(fold(part[0], part[1]), fold(part[2], part[3])));
    }
    for (; i < n; ++i) rest = fold(rest, hn::LoadU(one, from + i));
  }
  if (n >= lanes) {
    HWY_ALIGN float all[HWY_MAX_BYTES / sizeof(float)];
    hn::Store(total, d, all);
    for (int64_t i = 0; i < lanes; ++i) rest = fold(rest, hn::LoadU(one, all + i));
  }
  return hn::GetLane(fold.finish(one, rest));
}

/// Calls f(slice, result, first, last) for blocks of neighbouring results; `run` of them lie side
/// by side in x as well.
template <class F>
HWY_INLINE void for_results(const Args& args, const ReduceShape& r, int64_t run, F f) {
  const int64_t results = r.kept.count(), blocks = (run + kLanes - 1) / kLanes;
  const int64_t terms = std::max<int64_t>(1, r.reduced.count() * std::min(run, kLanes));
  const int64_t tasks = run == 0 ? 0 : results / run * blocks;
  for_ranges(args, args.in[0].batch.slices * tasks, std::max<int64_t>(1, kTaskTerms / terms),
             [&](int64_t begin, int64_t end) HWY_ATTR {
               for (int64_t i = begin; i < end; ++i) {
                 const int64_t first = i % blocks * kLanes;
                 f(i / tasks, i % tasks / blocks, first, std::min(first + kLanes, run));
               }
             });
}

template <Reduce f>
HWY_INLINE void reduce(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0];
  const ReduceShape r(x, *args.attrs);
  const Fold<f> fold{static_cast<float>(r.reduced.count())};
  Walk<1> kept = r.kept, outer = r.reduced;
  const Axis<1> rows = outer.pop();
  if (!r.lanes_kept()) {
    for_results(args, r, 1, [&](int64_t s, int64_t k, int64_t, int64_t) HWY_ATTR {
      y.slice<float>(s)[k] =
          reduce_runs(rows.size, fold, x.slice<float>(s) + kept.offset(k), outer);
    });
    return;
  }
  const int64_t run = kept.pop().size;
  for_results(args, r, run, [&](int64_t s, int64_t k, int64_t first, int64_t last) HWY_ATTR {
    reduce_rows(last - first, fold, x.slice<float>(s) + kept.offset(k) + first, outer, rows,
                y.slice<float>(s) + k * run + first);
  });
}

void run_sum(const Args& args) { reduce<Reduce::sum>(args); }
void run_mean(const Args& args) { reduce<Reduce::mean>(args); }
void run_amax(const Args& args) { reduce<Reduce::amax>(args); }
void run_amin(const Args& args) { reduce<Reduce::amin>(args); }

/// Calls f(offset) for the rows of terms of a result.
template <class F>
HWY_INLINE void for_rows(const Walk<1>& outer, const Axis<1>& rows, F f) {
  for (int64_t o = 0, outers = outer.count(); o < outers; ++o)
    for (int64_t r = 0; r < rows.size; ++r) f(outer.offset(o) + r * rows.stride[0]);
}

/// The gradient of `n` results side by side.
HWY_INLINE void share_rows(int64_t n, const float* x, const float* y, const float* dy, float* dx,
                           const Walk<1>& outer, const Axis<1>& rows) {
  for_lanes(n, [&](auto d, int64_t i) HWY_ATTR {
    const auto best = hn::LoadU(d, y + i), one = hn::Set(d, 1.0f);
    auto ties = hn::Zero(d);
    for_rows(outer, rows, [&](int64_t at) HWY_ATTR {
      ties = hn::Add(ties, hn::IfThenElseZero(hn::Eq(hn::LoadU(d, x + at + i), best), one));
    });
    const auto share = hn::Div(hn::LoadU(d, dy + i), ties), none = hn::Div(hn::Zero(d), ties);
    for_rows(outer, rows, [&](int64_t at) HWY_ATTR {
      const auto ties_here = hn::Eq(hn::LoadU(d, x + at + i), best);
      hn::StoreU(hn::IfThenElse(ties_here, share, none), d, dx + at + i);
    });
  });
}

/// The gradient of one result, over runs of `n` neighbours.
HWY_INLINE void share_runs(int64_t n, const float* x, float y, float dy, float* dx,
                           const Walk<1>& outer) {
  int64_t ties = 0;
  for_rows(outer, {}, [&](int64_t at) HWY_ATTR {
    for (int64_t i = 0; i < n; ++i) ties += x[at + i] == y;
  });
  const float share = dy / static_cast<float>(ties), none = 0 / static_cast<float>(ties);
  for_rows(outer, {}, [&](int64_t at) HWY_ATTR {
    map_run(
        n,
        [=](auto d, auto v) HWY_ATTR {
          return hn::IfThenElse(hn::Eq(v, hn::Set(d, y)), hn::Set(d, share), hn::Set(d, none));
        },
        dx + at, x + at);
  });
}

void run_extremum_grad(const Args& args) {
  const Tensor &x = args.in[0], &y = args.in[1], &dy = args.in[2], &dx = args.out[0];
  const ReduceShape r(x, *args.attrs);
  Walk<1> kept = r.kept, outer = r.reduced;
  const Axis<1> rows = outer.pop();
  const bool lanes = r.lanes_kept();
  const int64_t run = lanes ? kept.pop().size : 1;
  for_results(args, r, run, [&](int64_t s, int64_t k, int64_t first, int64_t last) HWY_ATTR {
    const int64_t at = kept.offset(k) + first, to = k * run + first;
    const float *from = x.slice<float>(s) + at, *best = y.slice<float>(s) + to;
    const float* gradient = dy.slice<float>(s) + to;
    if (lanes)
      share_rows(last - first, from, best, gradient, dx.slice<float>(s) + at, outer, rows);
    else
      share_runs(rows.size, from, *best, *gradient, dx.slice<float>(s) + at, outer);
  });
}

void run_expand(const Args& args) {
  const auto scale = static_cast<float>(args.attrs->real(expand_attr::scale));
  map_broadcast(
      args, [scale](auto d, auto x) HWY_ATTR { return hn::Mul(hn::Set(d, scale), x); }, args.out[0],
      args.in[0]);
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(run_sum);
HWY_EXPORT(run_mean);
HWY_EXPORT(run_amax);
HWY_EXPORT(run_amin);
HWY_EXPORT(run_extremum_grad);
HWY_EXPORT(run_expand);

void sum_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_sum)(args); }
void mean_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_mean)(args); }
void amax_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_amax)(args); }
void amin_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_amin)(args); }
void extremum_grad_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_extremum_grad)(args); }
void expand_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_expand)(args); }

}  // namespace cairn
#endif
