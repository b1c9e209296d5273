#include "kernels/local_response_norm/local_response_norm.h"

#include <cmath>

namespace cairn {

template <class Real>
void local_response_norm_ref(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0], &scale = args.out[1];
  const ResponseWindows windows(x, *args.attrs);
  const ResponseFactors<double> by(*args.attrs);
  for (int64_t s = 0; s < x.batch.slices; ++s) {
    const Real* from = x.slice<Real>(s);
    for (int64_t c = 0; c < windows.channels; ++c)
      for (int64_t i = 0; i < windows.run; ++i) {
        double sum = 0;
        for (int64_t other = windows.first(c); other <= windows.last(c); ++other) {
          const double v = from[other * windows.run + i];
          sum += v * v;
        }
        const double d = by.k + by.share * sum;
        const int64_t at = c * windows.run + i;
        scale.slice<Real>(s)[at] = static_cast<Real>(d);
        y.slice<Real>(s)[at] = static_cast<Real>(from[at] * std::pow(d, -by.beta));
      }
  }
}

template <class Real>
void local_response_norm_grad_ref(const Args& args) {
  const Tensor &dy = args.in[0], &x = args.in[1], &y = args.in[2], &scale = args.in[3];
  const ResponseWindows holding = ResponseWindows(x, *args.attrs).holding();
  const ResponseFactors<double> by(*args.attrs);
  for (int64_t s = 0; s < x.batch.slices; ++s) {
    const Real *g = dy.slice<Real>(s), *v = y.slice<Real>(s), *d = scale.slice<Real>(s);
    for (int64_t c = 0; c < holding.channels; ++c)
      for (int64_t i = 0; i < holding.run; ++i) {
        double sum = 0;
        for (int64_t other = holding.first(c); other <= holding.last(c); ++other) {
          const int64_t at = other * holding.run + i;
          sum += double{g[at]} * v[at] / d[at];
        }
        const int64_t at = c * holding.run + i;
        const double direct = g[at] * std::pow(double{d[at]}, -by.beta);
        args.out[0].slice<Real>(s)[at] =
            static_cast<Real>(direct - 2 * by.share * by.beta * x.slice<Real>(s)[at] * sum);
      }
  }
}

template void local_response_norm_ref<float>(const Args&);
template void local_response_norm_ref<double>(const Args&);
template void local_response_norm_grad_ref<float>(const Args&);
template void local_response_norm_grad_ref<double>(const Args&);

}  // namespace cairn
