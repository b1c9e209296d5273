#include "kernels/sgd/sgd.h"

#include "kernels/sgd/segments.h"

namespace cairn {

template <class Real>
void sgd_ref(const Args& args) {
  Real *p = args.in[0].as<Real>(), *g = args.in[1].as<Real>(), *m = args.in[2].as<Real>();
  const auto momentum = static_cast<Real>(args.attrs->real(sgd_attr::momentum));
  const auto decay = static_cast<Real>(args.attrs->real(sgd_attr::weight_decay));
  const bool nesterov = args.attrs->flag(sgd_attr::nesterov);
  const auto lr = static_cast<Real>(args.step->lr);
  for_segments<Real>(args.in[3], args.in[4], 0, args.in[0].features,
                     [&](int64_t begin, int64_t end, Real rate, Real decays) {
                       for (int64_t i = begin; i < end; ++i) {
                         const Real gradient = g[i] + decay * decays * p[i];
                         m[i] = momentum * m[i] + gradient;
                         p[i] -= lr * rate * (nesterov ? gradient + momentum * m[i] : m[i]);
                         g[i] = 0;
                       }
                     });
}

template void sgd_ref<float>(const Args&);
template void sgd_ref<double>(const Args&);

}  // namespace cairn
