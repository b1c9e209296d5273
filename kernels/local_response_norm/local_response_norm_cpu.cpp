// Lanes are places and examples, which are one run of floats in each channel: a window reads as
// many runs side by side.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/local_response_norm/local_response_norm_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include "kernels/local_response_norm/local_response_norm.h"
#include "kernels/math/math-inl.h"
#include "kernels/unary/elementwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

/// Calls f(d, s, c, i) for vectors that cover the slices: at i of channel c's run. On the call's
/// threads.
template <class F>
HWY_INLINE void for_channel_lanes(const Args& args, const ResponseWindows& windows, F f) {
  for_ranges(args, args.in[0].batch.slices * windows.channels, 1,
             [&](int64_t task, int64_t) HWY_ATTR {
               for_lanes(windows.run, [&](auto d, int64_t i) HWY_ATTR {
                 f(d, task / windows.channels, task % windows.channels, i);
               });
             });
}

/// The sum of term(place) over the channels from `first` to `last`.
template <class D, class F>
HWY_INLINE auto window_sum(D d, const ResponseWindows& windows, int64_t c, int64_t i, F term) {
  auto sum = hn::Zero(d);
  const int64_t last = windows.last(c);
  for (int64_t other = windows.first(c); other <= last; ++other)
    sum = hn::Add(sum, term(other * windows.run + i));
  return sum;
}

/// scale^-beta, where scale is above 0; roots serve for the usual beta.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V factor_of(D d, V scale, float beta) {
  if (beta == 0.75f) {
    const V root = hn::Sqrt(scale);
    return hn::Div(hn::Set(d, 1.0f), hn::Mul(root, hn::Sqrt(root)));
  }
  return FullExp(d, hn::Mul(hn::Set(d, -beta), FullLog(d, scale)));
}

void run_local_response_norm(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0], &scale = args.out[1];
  const ResponseWindows windows(x, *args.attrs);
  const ResponseFactors<float> by(*args.attrs);
  for_channel_lanes(args, windows, [&](auto d, int64_t s, int64_t c, int64_t i) HWY_ATTR {
    const float* from = x.slice<float>(s);
    const auto sum = window_sum(d, windows, c, i, [&](int64_t at) HWY_ATTR {
      const auto v = hn::LoadU(d, from + at);
      return hn::Mul(v, v);
    });
    const auto of_window = hn::MulAdd(hn::Set(d, by.share), sum, hn::Set(d, by.k));
    const int64_t at = c * windows.run + i;
    hn::StoreU(of_window, d, scale.slice<float>(s) + at);
    hn::StoreU(hn::Mul(hn::LoadU(d, from + at), factor_of(d, of_window, by.beta)), d,
               y.slice<float>(s) + at);
  });
}

void run_local_response_norm_grad(const Args& args) {
  const Tensor &dy = args.in[0], &x = args.in[1], &y = args.in[2], &scale = args.in[3];
  const ResponseWindows holding = ResponseWindows(x, *args.attrs).holding();
  const ResponseFactors<float> by(*args.attrs);
  for_channel_lanes(args, holding, [&](auto d, int64_t s, int64_t c, int64_t i) HWY_ATTR {
    const float *g = dy.slice<float>(s), *v = y.slice<float>(s), *of_window = scale.slice<float>(s);
    const auto sum = window_sum(d, holding, c, i, [&](int64_t at) HWY_ATTR {
      return hn::Div(hn::Mul(hn::LoadU(d, g + at), hn::LoadU(d, v + at)),
                     hn::LoadU(d, of_window + at));
    });
    const int64_t at = c * holding.run + i;
    const auto direct =
        hn::Mul(hn::LoadU(d, g + at), factor_of(d, hn::LoadU(d, of_window + at), by.beta));
    const auto value =
        hn::Mul(hn::LoadU(d, x.slice<float>(s) + at), hn::Set(d, 2 * by.share * by.beta));
    hn::StoreU(hn::NegMulAdd(value, sum, direct), d, args.out[0].slice<float>(s) + at);
  });
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(run_local_response_norm);
HWY_EXPORT(run_local_response_norm_grad);

void local_response_norm_cpu(const Args& args) {
  HWY_DYNAMIC_DISPATCH(run_local_response_norm)(args);
}
void local_response_norm_grad_cpu(const Args& args) {
  HWY_DYNAMIC_DISPATCH(run_local_response_norm_grad)(args);
}

}  // namespace cairn
#endif
