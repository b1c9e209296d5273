#include "kernels/dropout/dropout.h"

namespace cairn {

template <class Real>
void dropout_ref(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0], &mask = args.out[1];
  const double p = args.attrs->real(dropout_attr::p);
  const Real scale = dropout_scale<Real>(p);
  const auto step = static_cast<uint64_t>(args.step->step);
  for (int64_t n = 0; n < x.batch.capacity(); ++n)
    for (int64_t f = 0; f < x.features; ++f) {
      const auto element = static_cast<uint64_t>((args.first + n) * x.features + f);
      const bool kept = dropout_keeps(random_word(args.key, step, element), static_cast<float>(p));
      mask.at<uint8_t>(n, f) = kept ? 1 : 0;
      y.at<Real>(n, f) = x.at<Real>(n, f) * (kept ? scale : 0);
    }
}

template <class Real>
void dropout_grad_ref(const Args& args) {
  const Tensor &dy = args.in[0], &mask = args.in[1], &dx = args.out[0];
  const Real scale = dropout_scale<Real>(args.attrs->real(dropout_attr::p));
  for (int64_t n = 0; n < dy.batch.capacity(); ++n)
    for (int64_t f = 0; f < dy.features; ++f)
      dx.at<Real>(n, f) = dy.at<Real>(n, f) * (mask.at<uint8_t>(n, f) ? scale : 0);
}

template void dropout_ref<float>(const Args&);
template void dropout_ref<double>(const Args&);
template void dropout_grad_ref<float>(const Args&);
template void dropout_grad_ref<double>(const Args&);

}  // namespace cairn
