// Two passes over the buffer: 8 bytes read and 4 written an element.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/clip_norm/clip_norm_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include <algorithm>

#include "kernels/clip_norm/clip_norm.h"
#include "kernels/unary/elementwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

/// Sum of g^2 in float64, whose lanes are added in order.
HWY_INLINE double sum_of_squares(const float* g, int64_t n) {
  constexpr hn::CappedTag<double, 8> d;
  const hn::Rebind<float, decltype(d)> half;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto sums = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto v = hn::PromoteTo(d, hn::LoadU(half, g + i));
    sums = hn::MulAdd(v, v, sums);
  }
  double sum = hn::GetLane(hn::SumOfLanes(d, sums));
  for (; i < n; ++i) sum += static_cast<double>(g[i]) * static_cast<double>(g[i]);
  return sum;
}

void clip_norm(const Args& args) {
  constexpr int64_t kParts = 64;  // sums that are added up at the end
  float* g = args.in[0].as<float>();
  const int64_t n = args.in[0].features;
  const int64_t part = std::max<int64_t>(1, (n + kParts - 1) / kParts);
  double sums[kParts] = {};
  for_ranges(args, n, part, [&](int64_t begin, int64_t end) HWY_ATTR {
    sums[begin / part] = sum_of_squares(g + begin, end - begin);
  });
  double sum = 0;
  for (const double s : sums) sum += s;
  const double norm = std::sqrt(sum);
  *args.out[0].as<float>() = static_cast<float>(norm);
  const auto factor =
      static_cast<float>(clip_factor(norm, args.attrs->real(clip_norm_attr::max_norm)));
  if (factor == 1) return;
  for_ranges(args, n, part, [&](int64_t begin, int64_t end) HWY_ATTR {
    map_run(
        end - begin, [=](auto d, auto v) HWY_ATTR { return hn::Mul(v, hn::Set(d, factor)); },
        g + begin, static_cast<const float*>(g) + begin);
  });
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(clip_norm);

void clip_norm_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(clip_norm)(args); }

}  // namespace cairn
#endif
