#include <limits>
#include <vector>

#include "kernels/reduce/reduce.h"

namespace cairn {

template <class Real, Reduce f>
void reduce_ref(const Args& args) {
  constexpr Real kInf = std::numeric_limits<Real>::infinity();
  constexpr Real kFirst = f == Reduce::amax ? -kInf : f == Reduce::amin ? kInf : 0;
  const Tensor &x = args.in[0], &y = args.out[0];
  const Shape kept = kept_shape(x.type(), *args.attrs);
  const Real terms = static_cast<Real>(x.features) / static_cast<Real>(y.features);
  for (int64_t n = 0; n < y.batch.capacity(); ++n) {
    for (int64_t k = 0; k < y.features; ++k) y.at<Real>(n, k) = kFirst;
    for (int64_t i = 0; i < x.features; ++i) {
      Real& result = y.at<Real>(n, broadcast_source(i, x.shape, kept));
      const Real term = x.at<Real>(n, i);
      if constexpr (f == Reduce::amax || f == Reduce::amin)
        result = extremum<f == Reduce::amax>(result, term);
      else
        result += term;
    }
    if (f == Reduce::mean)
      for (int64_t k = 0; k < y.features; ++k) y.at<Real>(n, k) /= terms;
  }
}

template <class Real>
void extremum_grad_ref(const Args& args) {
  const Tensor &x = args.in[0], &y = args.in[1], &dy = args.in[2], &dx = args.out[0];
  const Shape kept = kept_shape(x.type(), *args.attrs);
  for (int64_t n = 0; n < x.batch.capacity(); ++n) {
    std::vector<int64_t> ties(static_cast<size_t>(y.features));
    const auto result = [&](int64_t i) { return broadcast_source(i, x.shape, kept); };
    for (int64_t i = 0; i < x.features; ++i)
      ties[static_cast<size_t>(result(i))] += x.at<Real>(n, i) == y.at<Real>(n, result(i));
    for (int64_t i = 0; i < x.features; ++i) {
      const int64_t k = result(i);
      const Real share = x.at<Real>(n, i) == y.at<Real>(n, k) ? dy.at<Real>(n, k) : 0;
      dx.at<Real>(n, i) = share / static_cast<Real>(ties[static_cast<size_t>(k)]);
    }
  }
}

template <class Real>
void expand_ref(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0];
  const Real scale = static_cast<Real>(args.attrs->real(expand_attr::scale));
  for (int64_t n = 0; n < y.batch.capacity(); ++n)
    for (int64_t i = 0; i < y.features; ++i)
      y.at<Real>(n, i) = scale * x.at<Real>(n, broadcast_source(i, y.shape, x.shape));
}

template void reduce_ref<float, Reduce::sum>(const Args&);
template void reduce_ref<double, Reduce::sum>(const Args&);
template void reduce_ref<float, Reduce::mean>(const Args&);
template void reduce_ref<double, Reduce::mean>(const Args&);
template void reduce_ref<float, Reduce::amax>(const Args&);
template void reduce_ref<double, Reduce::amax>(const Args&);
template void reduce_ref<float, Reduce::amin>(const Args&);
template void reduce_ref<double, Reduce::amin>(const Args&);
template void extremum_grad_ref<float>(const Args&);
template void extremum_grad_ref<double>(const Args&);
template void expand_ref<float>(const Args&);
template void expand_ref<double>(const Args&);

}  // namespace cairn
