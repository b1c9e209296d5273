#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/error.h"
#include "kernels/softmax_cross_entropy/softmax_cross_entropy.h"

namespace cairn {
namespace {

/// One example: feature k lies at x[k * width].
template <class Real>
struct Softmax {
  Real max = 0, sum = 0;
  int64_t largest = 0;

  Softmax(const Real* x, int64_t classes, int64_t width, Real* p) {
    for (int64_t k = 1; k < classes; ++k)
      if (x[k * width] > x[largest * width]) largest = k;
    max = x[largest * width];
    for (int64_t k = 0; k < classes; ++k) sum += p[k * width] = std::exp(x[k * width] - max);
    for (int64_t k = 0; k < classes; ++k) p[k * width] /= sum;
  }
};

}  // namespace

void expect_label(int64_t label, int64_t classes, int64_t example) {
  if (label < 0 || label >= classes)
    fail(fmt::format("softmax_cross_entropy: label {} of example {} is outside 0 to {}", label,
                     example, classes - 1));
}

template <class Real>
void softmax_cross_entropy_ref(const Args& args) {
  const Tensor &x = args.in[0], &labels = args.in[1], &probabilities = args.out[2];
  const int64_t width = x.batch.width, classes = x.features;
  Real loss = 0, correct = 0;
  for (int64_t s = 0; s < x.batch.slices; ++s)
    for (int64_t lane = 0; lane < width; ++lane) {
      const Real* logits = x.slice<Real>(s) + lane;
      const Softmax<Real> y(logits, classes, width, probabilities.slice<Real>(s) + lane);
      if (lane >= args.valid_lanes(x, s)) continue;
      const int64_t label = labels.slice<int32_t>(s)[lane];
      expect_label(label, classes, args.first + s * width + lane);
      loss += std::log(y.sum) - (logits[label * width] - y.max);
      correct += y.largest == label ? Real{1} : Real{0};
    }
  args.out[0].as<Real>()[0] += loss * static_cast<Real>(loss_scale(reduction_of(args), *args.step));
  args.out[1].as<Real>()[0] += correct;
}

template <class Real>
void softmax_cross_entropy_grad_ref(const Args& args) {
  const Tensor &p = args.in[0], &labels = args.in[1], &dx = args.out[0];
  const int64_t width = p.batch.width;
  const Real scale =
      args.in[2].as<Real>()[0] * static_cast<Real>(loss_scale(reduction_of(args), *args.step));
  for (int64_t s = 0; s < p.batch.slices; ++s) {
    const int64_t valid = args.valid_lanes(p, s);
    const int32_t* label = labels.slice<int32_t>(s);
    for (int64_t k = 0; k < p.features; ++k) {
      const Real* from = p.slice<Real>(s) + k * width;
      Real* to = dx.slice<Real>(s) + k * width;
      for (int64_t n = 0; n < valid; ++n) to[n] = (from[n] - (label[n] == k ? 1 : 0)) * scale;
      std::fill(to + valid, to + width, Real{0});
    }
  }
}

template void softmax_cross_entropy_ref<float>(const Args&);
template void softmax_cross_entropy_ref<double>(const Args&);
template void softmax_cross_entropy_grad_ref<float>(const Args&);
template void softmax_cross_entropy_grad_ref<double>(const Args&);

}  // namespace cairn
