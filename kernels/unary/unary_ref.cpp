#include "kernels/unary/unary.h"

namespace cairn {

template <class Real, Activation a>
void unary_ref(const Args& args) {
  const Real* x = args.in[0].as<Real>();
  Real* y = args.out[0].as<Real>();
  for (int64_t i = 0; i < args.in[0].elements(); ++i) y[i] = activate(a, x[i]);
}

template <class Real, Activation a>
void unary_grad_ref(const Args& args) {
  const Real *y = args.in[0].as<Real>(), *dy = args.in[1].as<Real>();
  Real* dx = args.out[0].as<Real>();
  for (int64_t i = 0; i < args.in[0].elements(); ++i) dx[i] = activate_grad(a, y[i], dy[i]);
}

template void unary_ref<float, Activation::relu>(const Args&);
template void unary_ref<double, Activation::relu>(const Args&);
template void unary_ref<float, Activation::tanh>(const Args&);
template void unary_ref<double, Activation::tanh>(const Args&);
template void unary_ref<float, Activation::sigmoid>(const Args&);
template void unary_ref<double, Activation::sigmoid>(const Args&);
template void unary_grad_ref<float, Activation::relu>(const Args&);
template void unary_grad_ref<double, Activation::relu>(const Args&);
template void unary_grad_ref<float, Activation::tanh>(const Args&);
template void unary_grad_ref<double, Activation::tanh>(const Args&);
template void unary_grad_ref<float, Activation::sigmoid>(const Args&);
template void unary_grad_ref<double, Activation::sigmoid>(const Args&);

}  // namespace cairn
