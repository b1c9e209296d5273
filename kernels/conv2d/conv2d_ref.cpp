#include "kernels/conv2d/conv2d.h"

#include "kernels/bias/bias.h"
#include "kernels/unary/unary.h"

namespace cairn {
namespace {

/// Calls f(c, i, j, input_offset, weight_offset) for every product of output channel m at (p, q)
/// whose input lies inside x. Offsets are features of x and elements of w.
template <class F>
void for_products(const ConvShape& s, int64_t m, int64_t p, int64_t q, F f) {
  const int64_t first_channel = m / s.cout_group() * s.cin_group();
  for (int64_t c = 0; c < s.cin_group(); ++c)
    for (int64_t i = 0; i < s.kh; ++i)
      for (int64_t j = 0; j < s.kw; ++j) {
        const int64_t row = p * s.stride_h - s.pad_h + i * s.dil_h;
        const int64_t column = q * s.stride_w - s.pad_w + j * s.dil_w;
        if (row < 0 || row >= s.h || column < 0 || column >= s.w) continue;
        f(((first_channel + c) * s.h + row) * s.w + column,
          ((m * s.cin_group() + c) * s.kh + i) * s.kw + j);
      }
}

/// Calls f(m, p, q, output_feature) for every output.
template <class F>
void for_outputs(const ConvShape& s, F f) {
  for (int64_t m = 0; m < s.cout; ++m)
    for (int64_t p = 0; p < s.oh; ++p)
      for (int64_t q = 0; q < s.ow; ++q) f(m, p, q, (m * s.oh + p) * s.ow + q);
}

}  // namespace

template <class Real>
void conv2d_ref(const Args& args) {
  const Tensor &x = args.in[0], &w = args.in[1], &b = args.in[2], &y = args.out[0];
  const ConvShape s(x.shape, w.shape, y.shape, *args.attrs);
  const auto act = static_cast<Activation>(args.attrs->integer(conv2d_attr::activation));
  for (int64_t n = 0; n < y.batch.capacity(); ++n)
    for_outputs(s, [&](int64_t m, int64_t p, int64_t q, int64_t out) {
      Real sum = b.data ? b.as<Real>()[m] : Real{0};
      for_products(s, m, p, q, [&](int64_t in, int64_t weight) {
        sum += w.as<Real>()[weight] * x.at<Real>(n, in);
      });
      y.at<Real>(n, out) = activate(act, sum);
    });
}

template <class Real>
void conv2d_dx_ref(const Args& args) {
  const Tensor &dy = args.in[0], &w = args.in[1], &dx = args.out[0];
  const ConvShape s(dx.shape, w.shape, dy.shape, *args.attrs);
  for (int64_t n = 0; n < dx.batch.capacity(); ++n) {
    for (int64_t f = 0; f < dx.features; ++f) dx.at<Real>(n, f) = 0;
    for_outputs(s, [&](int64_t m, int64_t p, int64_t q, int64_t out) {
      for_products(s, m, p, q, [&](int64_t in, int64_t weight) {
        dx.at<Real>(n, in) += w.as<Real>()[weight] * dy.at<Real>(n, out);
      });
    });
  }
}

template <class Real>
void conv2d_dw_ref(const Args& args) {
  const Tensor &x = args.in[0], &dy = args.in[1], &dw = args.out[0];
  const ConvShape s(x.shape, dw.shape, dy.shape, *args.attrs);
  const int64_t valid = args.step->valid_lanes(args.first, x.batch.capacity());
  for (int64_t n = 0; n < valid; ++n)
    for_outputs(s, [&](int64_t m, int64_t p, int64_t q, int64_t out) {
      for_products(s, m, p, q, [&](int64_t in, int64_t weight) {
        dw.as<Real>()[weight] += x.at<Real>(n, in) * dy.at<Real>(n, out);
      });
    });
  make_bias_grad(args, dy, args.out[1], bias_grad_ref<Real>);
}

template void conv2d_ref<float>(const Args&);
template void conv2d_ref<double>(const Args&);
template void conv2d_dx_ref<float>(const Args&);
template void conv2d_dx_ref<double>(const Args&);
template void conv2d_dw_ref<float>(const Args&);
template void conv2d_dw_ref<double>(const Args&);

}  // namespace cairn
