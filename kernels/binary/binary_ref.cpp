#include "kernels/binary/binary.h"

namespace cairn {
namespace {

/// y = f(in...), each input broadcast to y's shape.
template <class Real, class F, class... In>
void map_elements(const Tensor& y, F f, const In&... in) {
  for (int64_t n = 0; n < y.batch.capacity(); ++n)
    for (int64_t i = 0; i < y.features; ++i)
      y.at<Real>(n, i) = f(in.template at<Real>(n, broadcast_source(i, y.shape, in.shape))...);
}

}  // namespace

template <class Real, Binary f>
void binary_ref(const Args& args) {
  map_elements<Real>(args.out[0], apply<f, Real>, args.in[0], args.in[1]);
}
template <class Real>
void maximum_grad_ref(const Args& args) {
  map_elements<Real>(args.out[0], maximum_grad<Real>, args.in[0], args.in[1], args.in[2]);
}
template <class Real>
void pow_da_ref(const Args& args) {
  map_elements<Real>(args.out[0], pow_da<Real>, args.in[0], args.in[1], args.in[2]);
}
template <class Real>
void pow_db_ref(const Args& args) {
  map_elements<Real>(args.out[0], pow_db<Real>, args.in[0], args.in[1], args.in[2], args.in[3]);
}

template void binary_ref<float, Binary::add>(const Args&);
template void binary_ref<double, Binary::add>(const Args&);
template void binary_ref<float, Binary::sub>(const Args&);
template void binary_ref<double, Binary::sub>(const Args&);
template void binary_ref<float, Binary::mul>(const Args&);
template void binary_ref<double, Binary::mul>(const Args&);
template void binary_ref<float, Binary::div>(const Args&);
template void binary_ref<double, Binary::div>(const Args&);
template void binary_ref<float, Binary::minimum>(const Args&);
template void binary_ref<double, Binary::minimum>(const Args&);
template void binary_ref<float, Binary::maximum>(const Args&);
template void binary_ref<double, Binary::maximum>(const Args&);
template void binary_ref<float, Binary::pow>(const Args&);
template void binary_ref<double, Binary::pow>(const Args&);
template void maximum_grad_ref<float>(const Args&);
template void maximum_grad_ref<double>(const Args&);
template void pow_da_ref<float>(const Args&);
template void pow_da_ref<double>(const Args&);
template void pow_db_ref<float>(const Args&);
template void pow_db_ref<double>(const Args&);

}  // namespace cairn
