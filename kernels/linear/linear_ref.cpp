#include "kernels/linear/linear.h"

#include "kernels/bias/bias.h"
#include "kernels/unary/unary.h"

namespace cairn {

template <class Real>
void linear_ref(const Args& args) {
  const Tensor &x = args.in[0], &w = args.in[1], &b = args.in[2], &y = args.out[0];
  const auto act = static_cast<Activation>(args.attrs->integer(linear_attr::activation));
  for (int64_t n = 0; n < y.batch.capacity(); ++n)
    for (int64_t o = 0; o < y.features; ++o) {
      Real sum = b.data ? b.as<Real>()[o] : Real{0};
      for (int64_t i = 0; i < x.features; ++i)
        sum += w.as<Real>()[o * x.features + i] * x.at<Real>(n, i);
      y.at<Real>(n, o) = activate(act, sum);
    }
}

template <class Real>
void linear_dx_ref(const Args& args) {
  const Tensor &dy = args.in[0], &w = args.in[1], &dx = args.out[0];
  const auto act = static_cast<Activation>(args.attrs->integer(linear_attr::activation));
  for (int64_t n = 0; n < dx.batch.capacity(); ++n) {
    for (int64_t i = 0; i < dx.features; ++i) {
      Real sum = 0;
      for (int64_t o = 0; o < dy.features; ++o)
        sum += w.as<Real>()[o * dx.features + i] * dy.at<Real>(n, o);
      dx.at<Real>(n, i) = sum;
    }
    pass_activation<Real>(act, args.in[2], dx, n);
  }
}

template <class Real>
void linear_dw_ref(const Args& args) {
  const Tensor &x = args.in[0], &dy = args.in[1], &dw = args.out[0];
  const int64_t valid = args.step->valid_lanes(args.first, x.batch.capacity());
  for (int64_t o = 0; o < dy.features; ++o)
    for (int64_t i = 0; i < x.features; ++i) {
      Real sum = 0;
      for (int64_t n = 0; n < valid; ++n) sum += dy.at<Real>(n, o) * x.at<Real>(n, i);
      dw.as<Real>()[o * x.features + i] += sum;
    }
  make_bias_grad(args, dy, args.out[1], bias_grad_ref<Real>);
}

template void linear_ref<float>(const Args&);
template void linear_ref<double>(const Args&);
template void linear_dx_ref<float>(const Args&);
template void linear_dx_ref<double>(const Args&);
template void linear_dw_ref<float>(const Args&);
template void linear_dw_ref<double>(const Args&);

}  // namespace cairn
