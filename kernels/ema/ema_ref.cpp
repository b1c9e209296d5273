#include "kernels/ema/ema.h"

namespace cairn {

template <class Real>
void ema_ref(const Args& args) {
  Real* average = args.in[0].as<Real>();
  const Real* p = args.in[1].as<Real>();
  const double decay = args.attrs->real(ema_attr::decay);
  const auto keep = static_cast<Real>(decay), rest = static_cast<Real>(1 - decay);
  for (int64_t i = 0; i < args.in[0].features; ++i) average[i] = keep * average[i] + rest * p[i];
}

template void ema_ref<float>(const Args&);
template void ema_ref<double>(const Args&);

}  // namespace cairn
