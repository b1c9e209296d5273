// Vectors over the flat buffers: 16 bytes read and 16 written an element.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rmsprop/rmsprop_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include "kernels/rmsprop/rmsprop.h"
#include "kernels/sgd/segments.h"
#include "kernels/unary/elementwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

template <class D>
HWY_INLINE void update(D d, const RmspropStep<float>& a, float rate, float decays, float* p,
                       float* g, float* v, float* m) {
  const auto weights = hn::LoadU(d, p);
  const auto gradient = hn::MulAdd(hn::Set(d, a.decay * decays), weights, hn::LoadU(d, g));
  const auto square = hn::MulAdd(hn::Set(d, a.alpha), hn::LoadU(d, v),
                                 hn::Mul(hn::Mul(hn::Set(d, a.rest), gradient), gradient));
  const auto root = hn::Add(hn::Sqrt(square), hn::Set(d, a.epsilon));
  const auto step = hn::MulAdd(hn::Set(d, a.momentum), hn::LoadU(d, m), hn::Div(gradient, root));
  hn::StoreU(square, d, v);
  hn::StoreU(step, d, m);
  hn::StoreU(hn::NegMulAdd(hn::Set(d, rate), step, weights), d, p);
  hn::StoreU(hn::Zero(d), d, g);
}

void rmsprop(const Args& args) {
  float *p = args.in[0].as<float>(), *g = args.in[1].as<float>();
  float *v = args.in[2].as<float>(), *m = args.in[3].as<float>();
  const RmspropStep<float> step(*args.attrs);
  const auto lr = static_cast<float>(args.step->lr);
  const auto part = [&](int64_t begin, int64_t end, float rates, float decays) HWY_ATTR {
    for_lanes(end - begin, [&](auto d, int64_t k) HWY_ATTR {
      const int64_t i = begin + k;
      update(d, step, lr * rates, decays, p + i, g + i, v + i, m + i);
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

HWY_EXPORT(rmsprop);

void rmsprop_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(rmsprop)(args); }

}  // namespace cairn
#endif
