// Lanes are examples: a vector goes down the classes of its examples. softmax_cross_entropy reads
// the logits twice and writes the probabilities twice, in a slice that stays in cache.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/softmax_cross_entropy/softmax_cross_entropy_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include <algorithm>
#include <cmath>

#include "kernels/softmax/softmax-inl.h"
#include "kernels/softmax_cross_entropy/softmax_cross_entropy.h"
#include "kernels/unary/elementwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

/// What the loss needs of each example of a vector.
struct Lanes {
  static constexpr size_t kMost = HWY_MAX_BYTES / sizeof(float);
  HWY_ALIGN float max[kMost], sum[kMost], below[kMost];  // below: the sum of all x - max
  HWY_ALIGN int32_t largest[kMost];
};

/// Softmax of one vector of examples: feature k lies at x[k * width].
template <class D>
HWY_INLINE void softmax(D d, const float* x, int64_t classes, int64_t width, bool smooth, float* p,
                        Lanes& lanes) {
  const hn::RebindToSigned<D> di;
  auto max = hn::LoadU(d, x);
  auto largest = hn::Zero(di);
  for (int64_t k = 1; k < classes; ++k) {
    const auto v = hn::LoadU(d, x + k * width);
    const auto above = hn::Gt(v, max);
    max = hn::IfThenElse(above, v, max);
    largest =
        hn::IfThenElse(hn::RebindMask(di, above), hn::Set(di, static_cast<int32_t>(k)), largest);
  }
  hn::Store(SoftmaxOf(SideBySide<D>{d, classes, width}, x, max, p), d, lanes.sum);
  hn::Store(max, d, lanes.max);
  hn::Store(largest, di, lanes.largest);
  LongSum below(d);
  for (int64_t k = 0; smooth && k < classes; ++k)
    below.add(hn::Sub(hn::LoadU(d, x + k * width), max));
  hn::Store(below.result(), d, lanes.below);
}

void run_softmax_cross_entropy(const Args& args) {
  const Tensor &x = args.in[0], &labels = args.in[1], &p = args.out[2];
  const int64_t width = x.batch.width, classes = x.features;
  const TargetProbabilities<float> target(args, classes);
  const bool smooth = target.other > 0;
  double loss = 0;  // of many examples: float32 would lose digits
  float correct = 0;
  for (int64_t s = 0; s < x.batch.slices; ++s) {
    const int64_t valid = args.valid_lanes(x, s);
    const int32_t* label = labels.slice<int32_t>(s);
    const float* logits = x.slice<float>(s);
    float* probabilities = p.slice<float>(s);
    for_lanes(width, [&](auto d, int64_t first) HWY_ATTR {
      Lanes lanes;
      softmax(d, logits + first, classes, width, smooth, probabilities + first, lanes);
      const int64_t count = std::min(valid - first, static_cast<int64_t>(hn::Lanes(d)));
      for (int64_t i = 0; i < count; ++i) {
        const int64_t n = first + i, t = label[n];
        expect_label(t, classes, args.first + s * width + n);
        const double below = logits[t * width + n] - lanes.max[i];
        loss += std::log(static_cast<double>(lanes.sum[i]));
        loss -= static_cast<double>(target.label - target.other) * below;
        if (smooth) loss -= static_cast<double>(target.other) * static_cast<double>(lanes.below[i]);
        correct += lanes.largest[i] == t ? 1.0f : 0.0f;
      }
    });
  }
  args.out[0].as<float>()[0] +=
      static_cast<float>(loss * loss_scale(reduction_of(args), *args.step));
  args.out[1].as<float>()[0] += correct;
}

void run_softmax_cross_entropy_grad(const Args& args) {
  const Tensor &p = args.in[0], &labels = args.in[1], &dx = args.out[0];
  const int64_t width = p.batch.width, classes = p.features;
  const float scale =
      args.in[2].as<float>()[0] * static_cast<float>(loss_scale(reduction_of(args), *args.step));
  const TargetProbabilities<float> target(args, classes);
  for (int64_t s = 0; s < p.batch.slices; ++s) {
    const int64_t valid = args.valid_lanes(p, s);
    const int32_t* label = labels.slice<int32_t>(s);
    const float* from = p.slice<float>(s);
    float* to = dx.slice<float>(s);
    map_run(
        classes * width,
        [scale, target](auto d, auto v)
            HWY_ATTR { return hn::Mul(hn::Sub(v, hn::Set(d, target.other)), hn::Set(d, scale)); },
        to, from);
    for (int64_t n = 0; n < valid; ++n)
      if (const int64_t at = label[n] * width + n; label[n] >= 0 && label[n] < classes)
        to[at] = (from[at] - target.label) * scale;
    if (valid == width) continue;
    for (int64_t k = 0; k < classes; ++k)
      std::fill(to + k * width + valid, to + (k + 1) * width, 0.0f);
  }
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(run_softmax_cross_entropy);
HWY_EXPORT(run_softmax_cross_entropy_grad);

void softmax_cross_entropy_cpu(const Args& args) {
  HWY_DYNAMIC_DISPATCH(run_softmax_cross_entropy)(args);
  make_gradient(args, softmax_cross_entropy_grad_cpu);
}
void softmax_cross_entropy_grad_cpu(const Args& args) {
  HWY_DYNAMIC_DISPATCH(run_softmax_cross_entropy_grad)(args);
}

}  // namespace cairn
#endif
