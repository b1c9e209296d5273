// Loops of elementwise ops over runs of floats, for every SIMD target.
#if defined(KERNELS_UNARY_ELEMENTWISE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KERNELS_UNARY_ELEMENTWISE_INL_H_
#undef KERNELS_UNARY_ELEMENTWISE_INL_H_
#else
#define KERNELS_UNARY_ELEMENTWISE_INL_H_
#endif

#include <hwy/highway.h>

#include "core/op.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Calls f(d, i) so that the vectors of d at i cover [0, n): full ones, then 8 lanes, then 1.
template <class F>
HWY_INLINE void for_lanes(int64_t n, F f) {
  int64_t i = 0;
  const auto steps = [&](auto d) HWY_ATTR {
    const auto lanes = static_cast<int64_t>(hn::Lanes(d));
    for (; i + lanes <= n; i += lanes) f(d, i);
  };
  steps(hn::ScalableTag<float>());
  steps(hn::CappedTag<float, 8>());
  steps(hn::CappedTag<float, 1>());
}

/// out[i] = f(d, in[i]...) for i in [0, n).
template <class F, class... In>
HWY_INLINE void map_run(int64_t n, F f, float* out, const In*... in) {
  for_lanes(n, [=](auto d, int64_t i)
                   HWY_ATTR { hn::StoreU(f(d, hn::LoadU(d, in + i)...), d, out + i); });
}

/// The same for whole tensors of one layout, in runs on the call's threads.
template <class F, class... In>
HWY_INLINE void map_tensors(const Args& args, F f, const Tensor& out, const In&... in) {
  constexpr int64_t kRun = 16384;  // elements: 64 KiB
  const int64_t n = out.features * out.batch.width;
  const int64_t runs = (n + kRun - 1) / kRun;
  for_ranges(args, runs * out.batch.slices, 1, [&](int64_t task, int64_t) HWY_ATTR {
    const int64_t s = task / runs, begin = task % runs * kRun;
    map_run(begin + kRun < n ? kRun : n - begin, f, out.slice<float>(s) + begin,
            static_cast<const float*>(in.template slice<float>(s)) + begin...);
  });
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
