#include "kernels/unary/unary.h"

namespace cairn {

template <class Real, Activation a>
void unary_ref(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0];
  for (int64_t n = 0; n < y.batch.capacity(); ++n)
    for (int64_t f = 0; f < y.features; ++f) y.at<Real>(n, f) = activate(a, x.at<Real>(n, f));
}

template <class Real, Activation a>
void unary_grad_ref(const Args& args) {
  const Tensor &y = args.in[0], &dy = args.in[1], &dx = args.out[0];
  for (int64_t n = 0; n < dx.batch.capacity(); ++n)
    for (int64_t f = 0; f < dx.features; ++f)
      dx.at<Real>(n, f) = activate_grad(a, y.at<Real>(n, f), dy.at<Real>(n, f));
}

template void unary_ref<float, Activation::relu>(const Args&);
template void unary_ref<double, Activation::relu>(const Args&);
template void unary_ref<float, Activation::tanh>(const Args&);
template void unary_ref<double, Activation::tanh>(const Args&);
template void unary_ref<float, Activation::sigmoid>(const Args&);
template void unary_ref<double, Activation::sigmoid>(const Args&);
template void unary_ref<float, Activation::scaled_tanh>(const Args&);
template void unary_ref<double, Activation::scaled_tanh>(const Args&);
template void unary_grad_ref<float, Activation::relu>(const Args&);
template void unary_grad_ref<double, Activation::relu>(const Args&);
template void unary_grad_ref<float, Activation::tanh>(const Args&);
template void unary_grad_ref<double, Activation::tanh>(const Args&);
template void unary_grad_ref<float, Activation::sigmoid>(const Args&);
template void unary_grad_ref<double, Activation::sigmoid>(const Args&);
template void unary_grad_ref<float, Activation::scaled_tanh>(const Args&);
template void unary_grad_ref<double, Activation::scaled_tanh>(const Args&);

}  // namespace cairn
