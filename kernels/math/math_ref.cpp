#include "kernels/math/math.h"

namespace cairn {

template <class Real>
void evaluate_ref(MathFunction f, const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0];
  const MathAttrs<Real> attrs(args);
  for (int64_t n = 0; n < y.batch.capacity(); ++n)
    for (int64_t i = 0; i < y.features; ++i)
      y.at<Real>(n, i) = evaluate(f, x.at<Real>(n, i), attrs);
}

template <class Real>
void evaluate_grad_ref(MathFunction f, const Args& args) {
  const Tensor &v = args.in[0], &dy = args.in[1], &dx = args.out[0];
  const MathAttrs<Real> attrs(args);
  for (int64_t n = 0; n < dx.batch.capacity(); ++n)
    for (int64_t i = 0; i < dx.features; ++i)
      dx.at<Real>(n, i) = evaluate_grad(f, v.at<Real>(n, i), dy.at<Real>(n, i), attrs);
}

template void evaluate_ref<float>(MathFunction, const Args&);
template void evaluate_ref<double>(MathFunction, const Args&);
template void evaluate_grad_ref<float>(MathFunction, const Args&);
template void evaluate_grad_ref<double>(MathFunction, const Args&);

}  // namespace cairn
