#include "kernels/gather/gather.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/error.h"

namespace cairn {
namespace {

/// Calls f(e, element of x) for every element e of the index.
template <class F>
void for_picked(const Tensor& index, const Shape& x, const TensorType& type, const Args& args,
                const char* op, F f) {
  const GatherShape s(index.shape, x,
                      example_axis(op, type, args.attrs->integer(gather_attr::dim)));
  for (int64_t e = 0; e < index.features; ++e) {
    const int64_t i = index.as<int32_t>()[e];
    if (i < 0 || i >= s.x[s.dim])
      fail(fmt::format("{}: index {} at element {} is outside 0 to {}", op, i, e, s.x[s.dim] - 1));
    f(e, s.line_of_x(e) + i * s.x_step);
  }
}

}  // namespace

template <class Real>
void gather_ref(const Args& args) {
  const Tensor &x = args.in[0], &index = args.in[1], &y = args.out[0];
  for_picked(index, x.shape, x.type(), args, "gather",
             [&](int64_t e, int64_t at) { y.as<Real>()[e] = x.as<Real>()[at]; });
}

template <class Real>
void gather_grad_ref(const Args& args) {
  const Tensor &dy = args.in[0], &index = args.in[1], &dx = args.out[0];
  std::fill_n(dx.as<Real>(), dx.features, Real{0});
  for_picked(index, dx.shape, dx.type(), args, "gather_grad",
             [&](int64_t e, int64_t at) { dx.as<Real>()[at] += dy.as<Real>()[e]; });
}

template void gather_ref<float>(const Args&);
template void gather_ref<double>(const Args&);
template void gather_grad_ref<float>(const Args&);
template void gather_grad_ref<double>(const Args&);

}  // namespace cairn
