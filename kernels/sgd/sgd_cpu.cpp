// Vectors over the flat buffers: 12 bytes read and 12 written an element.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sgd/sgd_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include <hwy/highway.h>

#include "kernels/sgd/segments.h"
#include "kernels/sgd/sgd.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <bool nesterov, class D>
HWY_INLINE void update(D d, float* p, float* g, float* m, float momentum, float decay, float rate) {
  const auto weights = hn::LoadU(d, p);
  const auto gradient = hn::MulAdd(hn::Set(d, decay), weights, hn::LoadU(d, g));
  const auto velocity = hn::MulAdd(hn::Set(d, momentum), hn::LoadU(d, m), gradient);
  hn::StoreU(velocity, d, m);
  const auto step = nesterov ? hn::MulAdd(hn::Set(d, momentum), velocity, gradient) : velocity;
  hn::StoreU(hn::NegMulAdd(hn::Set(d, rate), step, weights), d, p);
  hn::StoreU(hn::Zero(d), d, g);
}

template <bool nesterov>
HWY_INLINE void update_all(const Args& args) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  float *p = args.in[0].as<float>(), *g = args.in[1].as<float>(), *m = args.in[2].as<float>();
  const auto momentum = static_cast<float>(args.attrs->real(sgd_attr::momentum));
  const auto decay = static_cast<float>(args.attrs->real(sgd_attr::weight_decay));
  const auto lr = static_cast<float>(args.step->lr);
  const auto part = [&](int64_t begin, int64_t end, float rate, float decays) {
    int64_t i = begin;
    for (; i + lanes <= end; i += lanes)
      update<nesterov>(d, p + i, g + i, m + i, momentum, decay * decays, lr * rate);
    for (; i < end; ++i)
      update<nesterov>(one, p + i, g + i, m + i, momentum, decay * decays, lr * rate);
  };
  for_ranges(args, args.in[0].features, kUpdateRun, [&](int64_t begin, int64_t end) {
    for_segments<float>(args.in[3], args.in[4], begin, end, part);
  });
}

void sgd(const Args& args) {
  args.attrs->flag(sgd_attr::nesterov) ? update_all<true>(args) : update_all<false>(args);
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(sgd);

void sgd_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(sgd)(args); }

}  // namespace cairn
#endif
