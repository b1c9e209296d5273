#include "kernels/softmax/softmax.h"

namespace cairn {

template <class Real, bool log>
void softmax_ref(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0];
  const SoftmaxShape shape(args);
  for (int64_t s = 0; s < x.batch.slices; ++s)
    for (int64_t c = 0; c < shape.count(); ++c) {
      const Real* from = x.slice<Real>(s) + shape.begin(c);
      Real* to = y.slice<Real>(s) + shape.begin(c);
      const SoftmaxColumn<Real> column(from, shape.size, shape.stride);
      for (int64_t k = 0; k < shape.size; ++k) {
        const Real v = from[k * shape.stride];
        to[k * shape.stride] = log ? column.log_softmax(v) : column.softmax(v);
      }
    }
}

template <class Real, bool log>
void softmax_grad_ref(const Args& args) {
  const Tensor &y = args.in[0], &dy = args.in[1], &dx = args.out[0];
  const SoftmaxShape shape(args);
  for (int64_t s = 0; s < y.batch.slices; ++s)
    for (int64_t c = 0; c < shape.count(); ++c) {
      const Real *p = y.slice<Real>(s) + shape.begin(c), *g = dy.slice<Real>(s) + shape.begin(c);
      Real* to = dx.slice<Real>(s) + shape.begin(c);
      Real sum = 0;
      for (int64_t i = 0; i < shape.size * shape.stride; i += shape.stride)
        sum += log ? g[i] : g[i] * p[i];
      for (int64_t i = 0; i < shape.size * shape.stride; i += shape.stride)
        to[i] = log ? g[i] - std::exp(p[i]) * sum : p[i] * (g[i] - sum);
    }
}

template void softmax_ref<float, false>(const Args&);
template void softmax_ref<double, false>(const Args&);
template void softmax_ref<float, true>(const Args&);
template void softmax_ref<double, true>(const Args&);
template void softmax_grad_ref<float, false>(const Args&);
template void softmax_grad_ref<double, false>(const Args&);
template void softmax_grad_ref<float, true>(const Args&);
template void softmax_grad_ref<double, true>(const Args&);

}  // namespace cairn
