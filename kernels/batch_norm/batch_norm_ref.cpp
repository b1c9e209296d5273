#include "kernels/batch_norm/batch_norm.h"

#include <fmt/format.h>

#include "core/error.h"
#include "kernels/unary/unary.h"

namespace cairn {
namespace {

/// f(example, feature, channel) for all real examples; with `spare` for all lanes.
template <class F>
void for_values(const Args& args, const Tensor& x, bool spare, F f) {
  const ChannelRuns runs(x);
  const int64_t lanes = x.batch.capacity();
  const int64_t count = spare ? lanes : args.step->valid_lanes(args.first, lanes);
  for (int64_t c = 0; c < runs.channels; ++c)
    for (int64_t n = 0; n < count; ++n)
      for (int64_t i = 0; i < runs.positions; ++i) f(n, c * runs.positions + i, c);
}

/// y = act((x - mean) inverse weight + bias + residual), each channel's mean and inverse by
/// stats(c).
template <class Real, class Stats>
void normalize(const Args& args, int weight, Activation act, Stats stats) {
  const Tensor &x = args.in[0], &residual = args.in[weight + 2], &y = args.out[0];
  const auto *w = args.in[weight].as<Real>(), *b = args.in[weight + 1].as<Real>();
  for_values(args, x, true, [&](int64_t n, int64_t f, int64_t c) {
    const auto [mean, inverse] = stats(c);
    double z = (x.at<Real>(n, f) - mean) * inverse * (w ? w[c] : 1) + (b ? b[c] : 0);
    if (residual.data) z += residual.at<Real>(n, f);
    y.at<Real>(n, f) = activate(act, static_cast<Real>(z));
  });
}

Activation activation_of(const Args& args, int attr) {
  return static_cast<Activation>(args.attrs->integer(attr));
}

double count_of(const Args& args, const Tensor& x) {
  return static_cast<double>(args.step->n_valid * ChannelRuns(x).positions);
}

/// Writes a channel's stats and moves its running averages.
template <class Real>
void finish_stats(const Args& args, int averages, double n, double mean, double variance,
                  double* stats, int64_t c) {
  stats[2 * c] = mean;
  stats[2 * c + 1] = 1 / std::sqrt(variance + args.attrs->real(batch_norm_attr::eps));
  if (n == 0) return;
  const double momentum = args.attrs->real(batch_norm_attr::momentum);
  auto& running_mean = args.in[averages].as<Real>()[c];
  auto& running_var = args.in[averages + 1].as<Real>()[c];
  running_mean = static_cast<Real>((1 - momentum) * running_mean + momentum * mean);
  running_var = static_cast<Real>((1 - momentum) * running_var + momentum * variance * n / (n - 1));
}

/// dweight and dbias added up in float64 per channel: sums[2c] = sum dz xh, sums[2c+1] = sum dz.
template <class Real>
std::vector<double> grad_sums(const Args& args) {
  const Tensor &dz = args.in[0], &x = args.in[1];
  const double* stats = args.in[2].as<double>();
  std::vector<double> sums(static_cast<size_t>(2 * x.shape[0]));
  for_values(args, x, false, [&](int64_t n, int64_t f, int64_t c) {
    const double d = dz.at<Real>(n, f);
    sums[static_cast<size_t>(2 * c)] += d * (x.at<Real>(n, f) - stats[2 * c]) * stats[2 * c + 1];
    sums[static_cast<size_t>(2 * c + 1)] += d;
  });
  return sums;
}

template <class Real>
void add_grad_sums(const std::vector<double>& sums, const Tensor& dweight, const Tensor& dbias) {
  for (int64_t c = 0; c < dweight.features; ++c) {
    dweight.as<Real>()[c] += static_cast<Real>(sums[static_cast<size_t>(2 * c)]);
    dbias.as<Real>()[c] += static_cast<Real>(sums[static_cast<size_t>(2 * c + 1)]);
  }
}

/// dx where the channel's sums are given by dweight(c) and dbias(c).
template <class Real, class DWeight, class DBias>
void grad_input(const Args& args, const Real* w, DWeight dweight, DBias dbias) {
  const Tensor &dz = args.in[0], &x = args.in[1], &dx = args.out[0];
  const double* stats = args.in[2].as<double>();
  const double n_values = std::max(1.0, count_of(args, x));
  for_values(args, x, true, [&](int64_t n, int64_t f, int64_t c) {
    const double inverse = stats[2 * c + 1], xh = (x.at<Real>(n, f) - stats[2 * c]) * inverse;
    const double centred = dz.at<Real>(n, f) - (dbias(c) + xh * dweight(c)) / n_values;
    dx.at<Real>(n, f) = static_cast<Real>((w ? w[c] : 1) * inverse * centred);
  });
}

}  // namespace

void expect_variance(std::string_view op, double n) {
  if (n == 1)
    fail(fmt::format("{}: there is one value per channel, whose variance is nothing", op),
         "train with more examples in a batch; a last batch of one counts too");
}

template <class Real>
void batch_norm_ref(const Args& args) {
  const Tensor& x = args.in[0];
  double* stats = args.out[1].as<double>();
  const double n = count_of(args, x);
  expect_variance("batch_norm", n);
  std::vector<double> mean(static_cast<size_t>(x.shape[0])), variance(mean);
  for_values(args, x, false, [&](int64_t i, int64_t f, int64_t c) {
    mean[static_cast<size_t>(c)] += x.at<Real>(i, f);
  });
  for (double& m : mean) m = n > 0 ? m / n : 0;
  for_values(args, x, false, [&](int64_t i, int64_t f, int64_t c) {
    const double d = x.at<Real>(i, f) - mean[static_cast<size_t>(c)];
    variance[static_cast<size_t>(c)] += d * d;
  });
  for (int64_t c = 0; c < x.shape[0]; ++c) {
    const double squares = variance[static_cast<size_t>(c)];
    finish_stats<Real>(args, 1, n, mean[static_cast<size_t>(c)], n > 0 ? squares / n : 0, stats, c);
  }
  normalize<Real>(args, 3, activation_of(args, batch_norm_attr::activation),
                  [&](int64_t c) { return std::pair(stats[2 * c], stats[2 * c + 1]); });
}

template <class Real>
void batch_norm_inference_ref(const Args& args) {
  const auto *mean = args.in[1].as<Real>(), *variance = args.in[2].as<Real>();
  const double eps = args.attrs->real(batch_norm_attr::eps);
  normalize<Real>(
      args, 3, activation_of(args, batch_norm_attr::inference_activation),
      [&](int64_t c) { return std::pair(double{mean[c]}, 1 / std::sqrt(variance[c] + eps)); });
}

template <class Real>
void batch_norm_inference_grad_ref(const Args& args) {
  const Tensor &dz = args.in[0], &x = args.in[1], &dx = args.out[0];
  const auto *mean = args.in[2].as<Real>(), *variance = args.in[3].as<Real>();
  const auto* w = args.in[4].as<Real>();
  const double eps = args.attrs->real(batch_norm_attr::eps);
  std::vector<double> sums(static_cast<size_t>(2 * x.shape[0]));
  const auto inverse = [&](int64_t c) { return 1 / std::sqrt(variance[c] + eps); };
  for_values(args, x, false, [&](int64_t n, int64_t f, int64_t c) {
    const double d = dz.at<Real>(n, f);
    sums[static_cast<size_t>(2 * c)] += d * (x.at<Real>(n, f) - mean[c]) * inverse(c);
    sums[static_cast<size_t>(2 * c + 1)] += d;
  });
  add_grad_sums<Real>(sums, args.out[1], args.out[2]);
  for_values(args, x, true, [&](int64_t n, int64_t f, int64_t c) {
    dx.at<Real>(n, f) = static_cast<Real>((w ? w[c] : 1) * inverse(c) * dz.at<Real>(n, f));
  });
}

template <class Real>
void batch_norm_sums_ref(const Args& args) {
  const Tensor& x = args.in[0];
  double* sums = args.out[0].as<double>();
  for_values(args, x, false, [&](int64_t n, int64_t f, int64_t c) {
    const double v = x.at<Real>(n, f);
    sums[2 * c] += v;
    sums[2 * c + 1] += v * v;
  });
}

template <class Real>
void batch_norm_stats_ref(const Args& args) {
  const double* sums = args.in[0].as<double>();
  const auto n =
      static_cast<double>(args.step->n_valid * args.attrs->integer(batch_norm_attr::positions));
  expect_variance("batch_norm_stats", n);
  for (int64_t c = 0; c < args.in[1].features; ++c) {
    const ChannelMoments m(n, sums[2 * c], sums[2 * c + 1]);
    finish_stats<Real>(args, 1, n, m.mean, m.variance, args.out[0].as<double>(), c);
  }
}

template <class Real>
void batch_norm_normalize_ref(const Args& args) {
  const double* stats = args.in[1].as<double>();
  normalize<Real>(args, 2, activation_of(args, 0),
                  [&](int64_t c) { return std::pair(stats[2 * c], stats[2 * c + 1]); });
}

template <class Real>
void batch_norm_grad_ref(const Args& args) {
  const std::vector<double> sums = grad_sums<Real>(args);
  add_grad_sums<Real>(sums, args.out[1], args.out[2]);
  const auto at = [&](int64_t i) { return sums[static_cast<size_t>(i)]; };
  grad_input<Real>(
      args, args.in[3].as<Real>(), [&](int64_t c) { return at(2 * c); },
      [&](int64_t c) { return at(2 * c + 1); });
}

template <class Real>
void batch_norm_relu_grad_ref(const Args& args) {
  in_two_parts(args, unary_grad_ref<Real, Activation::relu>, batch_norm_grad_ref<Real>);
}

template <class Real>
void batch_norm_grad_sums_ref(const Args& args) {
  add_grad_sums<Real>(grad_sums<Real>(args), args.out[0], args.out[1]);
}

template <class Real>
void batch_norm_grad_input_ref(const Args& args) {
  const auto *dweight = args.in[3].as<Real>(), *dbias = args.in[4].as<Real>();
  grad_input<Real>(
      args, args.in[5].as<Real>(), [&](int64_t c) { return double{dweight[c]}; },
      [&](int64_t c) { return double{dbias[c]}; });
}

template void batch_norm_ref<float>(const Args&);
template void batch_norm_ref<double>(const Args&);
template void batch_norm_inference_ref<float>(const Args&);
template void batch_norm_inference_ref<double>(const Args&);
template void batch_norm_inference_grad_ref<float>(const Args&);
template void batch_norm_inference_grad_ref<double>(const Args&);
template void batch_norm_sums_ref<float>(const Args&);
template void batch_norm_sums_ref<double>(const Args&);
template void batch_norm_stats_ref<float>(const Args&);
template void batch_norm_stats_ref<double>(const Args&);
template void batch_norm_normalize_ref<float>(const Args&);
template void batch_norm_normalize_ref<double>(const Args&);
template void batch_norm_grad_ref<float>(const Args&);
template void batch_norm_grad_ref<double>(const Args&);
template void batch_norm_relu_grad_ref<float>(const Args&);
template void batch_norm_relu_grad_ref<double>(const Args&);
template void batch_norm_grad_sums_ref<float>(const Args&);
template void batch_norm_grad_sums_ref<double>(const Args&);
template void batch_norm_grad_input_ref<float>(const Args&);
template void batch_norm_grad_input_ref<double>(const Args&);

}  // namespace cairn
