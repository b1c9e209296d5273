#include "kernels/round_bf16/round_bf16.h"

namespace cairn {

template <class Real>
void round_bf16_ref(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0];
  for (int64_t n = 0; n < y.batch.capacity(); ++n)
    for (int64_t f = 0; f < y.features; ++f)
      y.at<Real>(n, f) = round_bf16(static_cast<float>(x.at<Real>(n, f)));
}

template void round_bf16_ref<float>(const Args&);
template void round_bf16_ref<double>(const Args&);

}  // namespace cairn
