#include "kernels/adaptive_pool/adaptive_pool.h"

namespace cairn {
namespace {

/// Calls f(input, output) for every place of every window of every channel: features of x and y.
template <class F>
void for_places(const AdaptiveShape& s, F f) {
  for (int64_t c = 0; c < s.channels; ++c)
    for (int64_t p = 0; p < s.h.out; ++p)
      for (int64_t q = 0; q < s.w.out; ++q)
        for (int64_t h = s.h.begin(p); h < s.h.end(p); ++h)
          for (int64_t w = s.w.begin(q); w < s.w.end(q); ++w)
            f((c * s.h.in + h) * s.w.in + w, (c * s.h.out + p) * s.w.out + q, s.places(p, q));
}

template <class Real>
void clear(const Tensor& t, int64_t n) {
  for (int64_t f = 0; f < t.features; ++f) t.at<Real>(n, f) = 0;
}

}  // namespace

template <class Real>
void adaptive_avg_pool2d_ref(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0];
  const AdaptiveShape s(x.shape, y.shape);
  for (int64_t n = 0; n < x.batch.capacity(); ++n) {
    clear<Real>(y, n);
    for_places(s, [&](int64_t in, int64_t out, int64_t places) {
      y.at<Real>(n, out) += x.at<Real>(n, in) / static_cast<Real>(places);
    });
  }
}

template <class Real>
void adaptive_avg_pool2d_grad_ref(const Args& args) {
  const Tensor &dy = args.in[0], &dx = args.out[0];
  const AdaptiveShape s(dx.shape, dy.shape);
  for (int64_t n = 0; n < dx.batch.capacity(); ++n) {
    clear<Real>(dx, n);
    for_places(s, [&](int64_t in, int64_t out, int64_t places) {
      dx.at<Real>(n, in) += dy.at<Real>(n, out) / static_cast<Real>(places);
    });
  }
}

template void adaptive_avg_pool2d_ref<float>(const Args&);
template void adaptive_avg_pool2d_ref<double>(const Args&);
template void adaptive_avg_pool2d_grad_ref<float>(const Args&);
template void adaptive_avg_pool2d_grad_ref<double>(const Args&);

}  // namespace cairn
