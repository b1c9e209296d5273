#include "kernels/pool/pool.h"
#include "kernels/unary/unary.h"

namespace cairn {
namespace {

/// Calls f(c, p, q) for every window of every channel.
template <class F>
void for_windows(const PoolShape& s, F f) {
  for (int64_t c = 0; c < s.channels; ++c)
    for (int64_t p = 0; p < s.h.out; ++p)
      for (int64_t q = 0; q < s.w.out; ++q) f(c, p, q);
}

/// Calls f(h, w) for every place of a window that lies inside the plane.
template <class F>
void for_places(const PoolShape& s, int64_t p, int64_t q, F f) {
  for (int64_t h = s.h.begin(p); h < s.h.end(p); h += s.h.dilation)
    for (int64_t w = s.w.begin(q); w < s.w.end(q); w += s.w.dilation) f(h, w);
}

template <class Real>
void clear(const Tensor& t, int64_t n) {
  for (int64_t f = 0; f < t.features; ++f) t.at<Real>(n, f) = 0;
}

}  // namespace

template <class Real>
void avg_pool2d_ref(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0];
  const AvgPoolShape s(x.shape, y.shape, *args.attrs);
  for (int64_t n = 0; n < x.batch.capacity(); ++n)
    for_windows(s, [&](int64_t c, int64_t p, int64_t q) {
      Real sum = 0;
      for_places(s, p, q, [&](int64_t h, int64_t w) {
        sum += x.at<Real>(n, (c * s.h.in + h) * s.w.in + w);
      });
      y.at<Real>(n, (c * s.h.out + p) * s.w.out + q) = sum / static_cast<Real>(s.divisor(p, q));
    });
}

template <class Real>
void max_pool2d_ref(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0], &indices = args.out[1];
  const MaxPoolShape s(x.shape, y.shape, *args.attrs);
  for (int64_t n = 0; n < x.batch.capacity(); ++n)
    for_windows(s, [&](int64_t c, int64_t p, int64_t q) {
      Real best = 0;
      int64_t index = -1;
      for_places(s, p, q, [&](int64_t h, int64_t w) {
        const Real value = x.at<Real>(n, (c * s.h.in + h) * s.w.in + w);
        if (index < 0 || value > best || value != value) best = value, index = h * s.w.in + w;
      });
      const int64_t out = (c * s.h.out + p) * s.w.out + q;
      y.at<Real>(n, out) = best;
      indices.at<int32_t>(n, out) = static_cast<int32_t>(index);
    });
}

template <class Real>
void avg_pool2d_grad_ref(const Args& args) {
  const Tensor &dy = args.in[0], &dx = args.out[0];
  const AvgPoolShape s(dx.shape, dy.shape, *args.attrs);
  const auto act = static_cast<Activation>(args.attrs->integer(pool_attr::avg_activation));
  for (int64_t n = 0; n < dx.batch.capacity(); ++n) {
    clear<Real>(dx, n);
    for_windows(s, [&](int64_t c, int64_t p, int64_t q) {
      const Real part =
          dy.at<Real>(n, (c * s.h.out + p) * s.w.out + q) / static_cast<Real>(s.divisor(p, q));
      for_places(s, p, q, [&](int64_t h, int64_t w) {
        dx.at<Real>(n, (c * s.h.in + h) * s.w.in + w) += part;
      });
    });
    pass_activation<Real>(act, args.in[1], dx, n);
  }
}

template <class Real>
void max_pool2d_grad_ref(const Args& args) {
  const Tensor &dy = args.in[0], &indices = args.in[1], &dx = args.out[0];
  const MaxPoolShape s(dx.shape, dy.shape, *args.attrs);
  const auto act = static_cast<Activation>(args.attrs->integer(pool_attr::max_activation));
  for (int64_t n = 0; n < dx.batch.capacity(); ++n) {
    clear<Real>(dx, n);
    for_windows(s, [&](int64_t c, int64_t p, int64_t q) {
      const int64_t out = (c * s.h.out + p) * s.w.out + q;
      for_places(s, p, q, [&](int64_t h, int64_t w) {
        if (indices.at<int32_t>(n, out) == h * s.w.in + w)
          dx.at<Real>(n, (c * s.h.in + h) * s.w.in + w) += dy.at<Real>(n, out);
      });
    });
    pass_activation<Real>(act, args.in[2], dx, n);
  }
}

template void avg_pool2d_ref<float>(const Args&);
template void avg_pool2d_ref<double>(const Args&);
template void max_pool2d_ref<float>(const Args&);
template void max_pool2d_ref<double>(const Args&);
template void avg_pool2d_grad_ref<float>(const Args&);
template void avg_pool2d_grad_ref<double>(const Args&);
template void max_pool2d_grad_ref<float>(const Args&);
template void max_pool2d_grad_ref<double>(const Args&);

}  // namespace cairn
