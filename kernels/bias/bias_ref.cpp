#include "kernels/bias/bias.h"

namespace cairn {

template <class Real>
void bias_ref(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0];
  const int64_t channels = x.shape[0], run = channels ? x.features / channels * x.batch.width : 0;
  for (int64_t s = 0; s < x.batch.slices; ++s)
    for (int64_t c = 0; c < channels; ++c) {
      const Real b = args.in[1].as<Real>()[c];
      const Real* from = x.slice<Real>(s) + c * run;
      Real* to = y.slice<Real>(s) + c * run;
      for (int64_t i = 0; i < run; ++i) to[i] = from[i] + b;
    }
}

template <class Real>
void bias_grad_ref(const Args& args) {
  const Tensor& dy = args.in[0];
  const int64_t channels = dy.shape[0], positions = channels ? dy.features / channels : 0;
  const int64_t width = dy.batch.width;
  for (int64_t s = 0; s < dy.batch.slices; ++s) {
    const int64_t valid = args.valid_lanes(dy, s);
    for (int64_t c = 0; c < channels; ++c) {
      Real sum = 0;
      const Real* from = dy.slice<Real>(s) + c * positions * width;
      for (int64_t i = 0; i < positions; ++i)
        for (int64_t n = 0; n < valid; ++n) sum += from[i * width + n];
      args.out[0].as<Real>()[c] += sum;
    }
  }
}

template void bias_ref<float>(const Args&);
template void bias_ref<double>(const Args&);
template void bias_grad_ref<float>(const Args&);
template void bias_grad_ref<double>(const Args&);

}  // namespace cairn
