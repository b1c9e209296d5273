#include "kernels/adam/adam.h"
#include "kernels/sgd/segments.h"

namespace cairn {

template <class Real>
void adam_ref(const Args& args) {
  using namespace adam_attr;
  const Attrs& a = *args.attrs;
  Real *p = args.in[0].as<Real>(), *g = args.in[1].as<Real>();
  Real *m = args.in[2].as<Real>(), *v = args.in[3].as<Real>();
  const AdamStep<Real> update(a.real(beta1), a.real(beta2), a.real(eps), a.real(weight_decay),
                              a.flag(decoupled), *args.step);
  for_segments<Real>(args.in[4], args.in[5], 0, args.in[0].features,
                     [&](int64_t begin, int64_t end, Real rates, Real decays) {
                       for (int64_t i = begin; i < end; ++i)
                         update(p[i], g[i], m[i], v[i], rates, decays);
                     });
}

template void adam_ref<float>(const Args&);
template void adam_ref<double>(const Args&);

}  // namespace cairn
