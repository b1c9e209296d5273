#include "kernels/residual_add/residual_add.h"
#include "kernels/unary/unary.h"

namespace cairn {

template <class Real>
void residual_add_ref(const Args& args) {
  const auto act = static_cast<Activation>(args.attrs->integer(0));
  const Tensor &a = args.in[0], &b = args.in[1], &y = args.out[0];
  for (int64_t n = 0; n < y.batch.capacity(); ++n)
    for (int64_t f = 0; f < y.features; ++f)
      y.at<Real>(n, f) = activate(act, a.at<Real>(n, f) + b.at<Real>(n, f));
}

template void residual_add_ref<float>(const Args&);
template void residual_add_ref<double>(const Args&);

}  // namespace cairn
