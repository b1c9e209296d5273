// Vectors over the flat buffers: 16 bytes read and 16 written an element.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/adam/adam_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include "kernels/adam/adam.h"
#include "kernels/sgd/segments.h"
#include "kernels/unary/elementwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

template <class D>
HWY_INLINE void update(D d, const AdamStep<float>& a, float rates, float decays, float* p, float* g,
                       float* m, float* v) {
  const auto weights = hn::LoadU(d, p);
  const auto gradient = hn::MulAdd(hn::Set(d, a.decay * decays), weights, hn::LoadU(d, g));
  const auto first =
      hn::MulAdd(hn::Set(d, a.beta1), hn::LoadU(d, m), hn::Mul(hn::Set(d, a.rest1), gradient));
  const auto second = hn::MulAdd(hn::Set(d, a.beta2), hn::LoadU(d, v),
                                 hn::Mul(hn::Mul(hn::Set(d, a.rest2), gradient), gradient));
  const auto root = hn::MulAdd(hn::Sqrt(second), hn::Set(d, a.root_scale), hn::Set(d, a.epsilon));
  hn::StoreU(first, d, m);
  hn::StoreU(second, d, v);
  const auto kept = hn::NegMulAdd(hn::Set(d, a.shrink * rates * decays), weights, weights);
  hn::StoreU(hn::Sub(kept, hn::Div(hn::Mul(hn::Set(d, a.rate * rates), first), root)), d, p);
  hn::StoreU(hn::Zero(d), d, g);
}

void adam(const Args& args) {
  using namespace adam_attr;
  const Attrs& a = *args.attrs;
  float *p = args.in[0].as<float>(), *g = args.in[1].as<float>();
  float *m = args.in[2].as<float>(), *v = args.in[3].as<float>();
  const AdamStep<float> step(a.real(beta1), a.real(beta2), a.real(eps), a.real(weight_decay),
                             a.flag(decoupled), *args.step);
  const auto part = [&](int64_t begin, int64_t end, float rates, float decays) HWY_ATTR {
    for_lanes(end - begin, [&](auto d, int64_t k) HWY_ATTR {
      const int64_t i = begin + k;
      update(d, step, rates, decays, p + i, g + i, m + i, v + i);
    });
  };
  for_ranges(args, args.in[0].features, kUpdateRun, [&](int64_t begin, int64_t end) HWY_ATTR {
    for_segments<float>(args.in[4], args.in[5], begin, end, part);
  });
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(adam);

void adam_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(adam)(args); }

}  // namespace cairn
#endif
