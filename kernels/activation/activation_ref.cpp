#include "kernels/activation/activation.h"

namespace cairn {

template <class F>
void activation_ref(const Args& args) {
  using Real = typename F::Real;
  const F function(*args.attrs);
  const Tensor &x = args.in[0], &y = args.out[0];
  for (int64_t n = 0; n < y.batch.capacity(); ++n)
    for (int64_t f = 0; f < y.features; ++f) y.at<Real>(n, f) = function.value(x.at<Real>(n, f));
}

template <class F>
void activation_grad_ref(const Args& args) {
  using Real = typename F::Real;
  const F function(*args.attrs);
  const Tensor &x = args.in[0], &dy = args.in[1], &dx = args.out[0];
  for (int64_t n = 0; n < dx.batch.capacity(); ++n)
    for (int64_t f = 0; f < dx.features; ++f)
      dx.at<Real>(n, f) = dy.at<Real>(n, f) * function.derivative(x.at<Real>(n, f));
}

template void activation_ref<LeakyReluFunction<float>>(const Args&);
template void activation_ref<LeakyReluFunction<double>>(const Args&);
template void activation_ref<EluFunction<float>>(const Args&);
template void activation_ref<EluFunction<double>>(const Args&);
template void activation_ref<GeluFunction<float>>(const Args&);
template void activation_ref<GeluFunction<double>>(const Args&);
template void activation_ref<SoftplusFunction<float>>(const Args&);
template void activation_ref<SoftplusFunction<double>>(const Args&);
template void activation_grad_ref<LeakyReluFunction<float>>(const Args&);
template void activation_grad_ref<LeakyReluFunction<double>>(const Args&);
template void activation_grad_ref<EluFunction<float>>(const Args&);
template void activation_grad_ref<EluFunction<double>>(const Args&);
template void activation_grad_ref<GeluFunction<float>>(const Args&);
template void activation_grad_ref<GeluFunction<double>>(const Args&);
template void activation_grad_ref<SoftplusFunction<float>>(const Args&);
template void activation_grad_ref<SoftplusFunction<double>>(const Args&);

}  // namespace cairn
