#include "kernels/pool/pool.h"

namespace cairn {
namespace {

/// Calls f(output, first, h, w) for every place of every window of every channel: features of y and
/// of the channel's first input, and the place.
template <class F>
void for_windows(const PoolShape& s, F f) {
  for (int64_t c = 0; c < s.channels; ++c)
    for (int64_t p = 0; p < s.h.out; ++p)
      for (int64_t q = 0; q < s.w.out; ++q)
        for (int64_t h = s.h.begin(p); h < s.h.end(p); ++h)
          for (int64_t w = s.w.begin(q); w < s.w.end(q); ++w)
            f((c * s.h.out + p) * s.w.out + q, c * s.h.in * s.w.in, h * s.w.in + w);
}

template <class Real>
void clear(const Tensor& t, int64_t n) {
  for (int64_t f = 0; f < t.features; ++f) t.at<Real>(n, f) = 0;
}

}  // namespace

template <class Real>
void avg_pool2d_ref(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0];
  const PoolShape s(x.shape, y.shape, *args.attrs);
  const Real count = static_cast<Real>(s.h.kernel * s.w.kernel);
  for (int64_t n = 0; n < x.batch.capacity(); ++n) {
    clear<Real>(y, n);
    for_windows(s, [&](int64_t out, int64_t first, int64_t place) {
      y.at<Real>(n, out) += x.at<Real>(n, first + place);
    });
    for (int64_t f = 0; f < y.features; ++f) y.at<Real>(n, f) /= count;
  }
}

template <class Real>
void max_pool2d_ref(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0], &indices = args.out[1];
  const PoolShape s(x.shape, y.shape, *args.attrs);
  for (int64_t n = 0; n < x.batch.capacity(); ++n) {
    for (int64_t f = 0; f < y.features; ++f) indices.at<int32_t>(n, f) = -1;
    for_windows(s, [&](int64_t out, int64_t first, int64_t place) {
      const Real value = x.at<Real>(n, first + place);
      Real& best = y.at<Real>(n, out);
      int32_t& index = indices.at<int32_t>(n, out);
      if (index < 0 || value > best || value != value)
        best = value, index = static_cast<int32_t>(place);
    });
  }
}

template <class Real>
void avg_pool2d_grad_ref(const Args& args) {
  const Tensor &dy = args.in[0], &dx = args.out[0];
  const PoolShape s(dx.shape, dy.shape, *args.attrs);
  const Real count = static_cast<Real>(s.h.kernel * s.w.kernel);
  for (int64_t n = 0; n < dx.batch.capacity(); ++n) {
    clear<Real>(dx, n);
    for_windows(s, [&](int64_t out, int64_t first, int64_t place) {
      dx.at<Real>(n, first + place) += dy.at<Real>(n, out) / count;
    });
  }
}

template <class Real>
void max_pool2d_grad_ref(const Args& args) {
  const Tensor &dy = args.in[0], &indices = args.in[1], &dx = args.out[0];
  const PoolShape s(dx.shape, dy.shape, *args.attrs);
  for (int64_t n = 0; n < dx.batch.capacity(); ++n) {
    clear<Real>(dx, n);
    for_windows(s, [&](int64_t out, int64_t first, int64_t place) {
      if (indices.at<int32_t>(n, out) == place)
        dx.at<Real>(n, first + place) += dy.at<Real>(n, out);
    });
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
