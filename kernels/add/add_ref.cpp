#include "kernels/add/add.h"

namespace cairn {

template <class Real>
void add_ref(const Args& args) {
  const Tensor &a = args.in[0], &b = args.in[1], &y = args.out[0];
  for (int64_t n = 0; n < y.batch.capacity(); ++n)
    for (int64_t f = 0; f < y.features; ++f) y.at<Real>(n, f) = a.at<Real>(n, f) + b.at<Real>(n, f);
}

template void add_ref<float>(const Args&);
template void add_ref<double>(const Args&);

}  // namespace cairn
