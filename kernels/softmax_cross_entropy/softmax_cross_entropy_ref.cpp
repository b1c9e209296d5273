#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/error.h"
#include "kernels/softmax/softmax.h"
#include "kernels/softmax_cross_entropy/softmax_cross_entropy.h"

namespace cairn {

void expect_label(int64_t label, int64_t classes, int64_t example) {
  if (label < 0 || label >= classes)
    fail(fmt::format("softmax_cross_entropy: label {} of example {} is outside 0 to {}", label,
                     example, classes - 1));
}

template <class Real>
void softmax_cross_entropy_ref(const Args& args) {
  const Tensor &x = args.in[0], &labels = args.in[1], &probabilities = args.out[2];
  const int64_t width = x.batch.width, classes = x.features;
  const TargetProbabilities<Real> target(args, classes);
  Real loss = 0, correct = 0;
  for (int64_t s = 0; s < x.batch.slices; ++s)
    for (int64_t lane = 0; lane < width; ++lane) {
      const Real* logits = x.slice<Real>(s) + lane;
      Real* p = probabilities.slice<Real>(s) + lane;
      const SoftmaxColumn<Real> y(logits, classes, width);
      for (int64_t k = 0; k < classes; ++k) p[k * width] = y.softmax(logits[k * width]);
      if (lane >= args.valid_lanes(x, s)) continue;
      const int64_t label = labels.slice<int32_t>(s)[lane];
      expect_label(label, classes, args.first + s * width + lane);
      loss += std::log(y.sum) - (target.label - target.other) * (logits[label * width] - y.max);
      if (target.other > 0)
        for (int64_t k = 0; k < classes; ++k) loss -= target.other * (logits[k * width] - y.max);
      correct += y.largest == label ? Real{1} : Real{0};
    }
  args.out[0].as<Real>()[0] += loss * static_cast<Real>(loss_scale(reduction_of(args), *args.step));
  args.out[1].as<Real>()[0] += correct;
  make_gradient(args, softmax_cross_entropy_grad_ref<Real>);
}

template <class Real>
void softmax_cross_entropy_grad_ref(const Args& args) {
  const Tensor &p = args.in[0], &labels = args.in[1], &dx = args.out[0];
  const int64_t width = p.batch.width;
  const Real scale =
      args.in[2].as<Real>()[0] * static_cast<Real>(loss_scale(reduction_of(args), *args.step));
  const TargetProbabilities<Real> target(args, p.features);
  for (int64_t s = 0; s < p.batch.slices; ++s) {
    const int64_t valid = args.valid_lanes(p, s);
    const int32_t* label = labels.slice<int32_t>(s);
    for (int64_t k = 0; k < p.features; ++k) {
      const Real* from = p.slice<Real>(s) + k * width;
      Real* to = dx.slice<Real>(s) + k * width;
      for (int64_t n = 0; n < valid; ++n)
        to[n] = (from[n] - (label[n] == k ? target.label : target.other)) * scale;
      std::fill(to + valid, to + width, Real{0});
    }
  }
}

template void softmax_cross_entropy_ref<float>(const Args&);
template void softmax_cross_entropy_ref<double>(const Args&);
template void softmax_cross_entropy_grad_ref<float>(const Args&);
template void softmax_cross_entropy_grad_ref<double>(const Args&);

}  // namespace cairn
