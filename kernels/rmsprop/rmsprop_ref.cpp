#include "kernels/rmsprop/rmsprop.h"
#include "kernels/sgd/segments.h"

namespace cairn {

template <class Real>
void rmsprop_ref(const Args& args) {
  Real *p = args.in[0].as<Real>(), *g = args.in[1].as<Real>();
  Real *v = args.in[2].as<Real>(), *m = args.in[3].as<Real>();
  const RmspropStep<Real> update(*args.attrs);
  const auto lr = static_cast<Real>(args.step->lr);
  for_segments<Real>(args.in[4], args.in[5], 0, args.in[0].features,
                     [&](int64_t begin, int64_t end, Real rates, Real decays) {
                       for (int64_t i = begin; i < end; ++i)
                         update(p[i], g[i], v[i], m[i], lr * rates, decays);
                     });
}

template void rmsprop_ref<float>(const Args&);
template void rmsprop_ref<double>(const Args&);

}  // namespace cairn
