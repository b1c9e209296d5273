#include "kernels/layer_norm/layer_norm.h"

namespace cairn {

template <class Real>
void layer_norm_ref(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0], &stats = args.out[1];
  const auto *w = args.in[1].as<Real>(), *b = args.in[2].as<Real>();
  const LayerNormShape shape(args, x);
  const double eps = args.attrs->real(layer_norm_attr::eps);
  const auto n = static_cast<double>(shape.size);
  for (int64_t s = 0; s < x.batch.slices; ++s)
    for (int64_t c = 0; c < shape.count(); ++c) {
      const int64_t begin = shape.begin(c);
      const Real* from = x.slice<Real>(s) + begin;
      Real* to = y.slice<Real>(s) + begin;
      double sum = 0, squares = 0;
      for (int64_t k = 0; k < shape.size; ++k) sum += from[k * shape.stride];
      for (int64_t k = 0; k < shape.size; ++k) {
        const double d = from[k * shape.stride] - sum / n;
        squares += d * d;
      }
      const RowStats<Real> row(sum / n, squares / n, eps);
      row.store(stats.slice<Real>(s) + shape.stats(begin), shape.stride);
      for (int64_t k = 0; k < shape.size; ++k) {
        const double xh = row.normalized(double{from[k * shape.stride]});
        to[k * shape.stride] = static_cast<Real>(xh * (w ? w[k] : 1) + (b ? b[k] : 0));
      }
    }
}

template <class Real>
void layer_norm_grad_ref(const Args& args) {
  const Tensor &dy = args.in[0], &x = args.in[1], &stats = args.in[2], &dx = args.out[0];
  const Real* w = args.in[3].as<Real>();
  const LayerNormShape shape(args, x);
  const auto n = static_cast<double>(shape.size);
  for (int64_t s = 0; s < x.batch.slices; ++s)
    for (int64_t c = 0; c < shape.count(); ++c) {
      const int64_t begin = shape.begin(c);
      const RowStats<Real> row(stats.slice<Real>(s) + shape.stats(begin), shape.stride);
      const Real *from = x.slice<Real>(s) + begin, *g = dy.slice<Real>(s) + begin;
      const auto xh = [&](int64_t k) { return row.normalized(double{from[k * shape.stride]}); };
      const auto slope = [&](int64_t k) { return double{g[k * shape.stride]} * (w ? w[k] : 1); };
      double sum = 0, products = 0;
      for (int64_t k = 0; k < shape.size; ++k) {
        sum += slope(k);
        products += slope(k) * xh(k);
      }
      Real* to = dx.slice<Real>(s) + begin;
      for (int64_t k = 0; k < shape.size; ++k)
        to[k * shape.stride] =
            static_cast<Real>((slope(k) - sum / n - xh(k) * products / n) * row.inverse);
    }
}

template <class Real>
void layer_norm_grad_sums_ref(const Args& args) {
  const Tensor &dy = args.in[0], &x = args.in[1], &stats = args.in[2];
  const LayerNormShape shape(args, x);
  for (int64_t k = 0; k < shape.size; ++k) {
    double products = 0, sum = 0;
    for (int64_t s = 0; s < x.batch.slices; ++s)
      for (int64_t r = 0; r < shape.outer; ++r)
        for (int64_t n = 0; n < args.valid_lanes(x, s); ++n) {
          const int64_t i = (r * shape.size + k) * shape.stride + n;
          const RowStats<Real> row(stats.slice<Real>(s) + shape.stats(i), shape.stride);
          const double d = dy.slice<Real>(s)[i];
          products += d * row.normalized(double{x.slice<Real>(s)[i]});
          sum += d;
        }
    args.out[0].as<Real>()[k] += static_cast<Real>(products);
    args.out[1].as<Real>()[k] += static_cast<Real>(sum);
  }
}

template void layer_norm_ref<float>(const Args&);
template void layer_norm_ref<double>(const Args&);
template void layer_norm_grad_ref<float>(const Args&);
template void layer_norm_grad_ref<double>(const Args&);
template void layer_norm_grad_sums_ref<float>(const Args&);
template void layer_norm_grad_sums_ref<double>(const Args&);

}  // namespace cairn
