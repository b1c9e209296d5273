#include "kernels/cube/cube.h"

namespace cairn {

template <class Real>
void cube_ref(const Args& args) {
  const Real* x = args.in[0].as<Real>();
  Real* y = args.out[0].as<Real>();
  for (int64_t i = 0; i < args.out[0].elements(); ++i) y[i] = x[i] * x[i] * x[i];
}

template <class Real>
void cube_grad_ref(const Args& args) {
  const Real *x = args.in[0].as<Real>(), *dy = args.in[1].as<Real>();
  Real* dx = args.out[0].as<Real>();
  for (int64_t i = 0; i < args.out[0].elements(); ++i) dx[i] = 3 * x[i] * x[i] * dy[i];
}

template void cube_ref<float>(const Args&);
template void cube_ref<double>(const Args&);
template void cube_grad_ref<float>(const Args&);
template void cube_grad_ref<double>(const Args&);

}  // namespace cairn
