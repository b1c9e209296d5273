// What losses that compare two tensors element by element have in common: shapes, the reduction and
// the plain loops. A loss is a struct with value(x, t); a slope is one with slope(x, t), the
// derivative that a gradient op multiplies by dloss / n, and with uses_target.
#pragma once

#include <algorithm>

#include "kernels/softmax_cross_entropy/reduction.h"

namespace cairn {

/// 1/n, where n counts the elements of all real examples for the mean.
CAIRN_HD inline double element_scale(Reduction reduction, const StepState& step, int64_t features) {
  const double mean =
      reduction == Reduction::mean && features > 0 ? static_cast<double>(features) : 1.0;
  return loss_scale(reduction, step) / mean;
}

/// dloss / n. dloss is the last input.
template <class Real, class Slope>
Real slope_scale(const Args& args) {
  const double n = element_scale(reduction_of(args), *args.step, args.in[0].features);
  return args.in[Slope::uses_target ? 2 : 1].template as<Real>()[0] * static_cast<Real>(n);
}

/// Blocks that sum a loss of n elements on CUDA; each has a float of workspace.
constexpr int64_t kMostLossBlocks = 1024;
inline int64_t loss_blocks(int64_t n) { return std::clamp<int64_t>(n / 4096, 1, kMostLossBlocks); }
inline int64_t loss_workspace(const OpTypes&) { return kMostLossBlocks * int64_t{sizeof(float)}; }

inline void expect_same_types(const OpTypes& t) {
  expect(t.in[0] == t.in[1], t.op,
         "the prediction is " + to_string(t.in[0]) + ", but the target is " + to_string(t.in[1]));
}

inline void infer_pointwise_loss(const OpTypes& t) {
  expect_same_types(t);
  t.set_out(0, {});
}

inline void infer_pointwise_slope(const OpTypes& t) {
  const bool uses_target = t.in.size() == 3;
  if (uses_target) expect_same_types(t);
  const Shape& dloss = t.shape(uses_target ? 2 : 1);
  expect(dloss == Shape{}, t.op, "dloss has shape " + to_string(dloss) + ", a scalar is needed");
  t.set_out(0, t.shape(0));
}

template <class Loss, class Real>
void pointwise_loss_ref(const Args& args) {
  const Tensor &x = args.in[0], &target = args.in[1];
  Real sum = 0;
  for (int64_t s = 0; s < x.batch.slices; ++s)
    for (int64_t f = 0; f < x.features; ++f)
      for (int64_t lane = 0; lane < args.valid_lanes(x, s); ++lane) {
        const int64_t i = f * x.batch.width + lane;
        sum += Loss::value(x.slice<Real>(s)[i], target.slice<Real>(s)[i]);
      }
  const double scale = element_scale(reduction_of(args), *args.step, x.features);
  args.out[0].as<Real>()[0] += sum * static_cast<Real>(scale);
}

template <class Slope, class Real>
void pointwise_slope_ref(const Args& args) {
  const Tensor &x = args.in[0], &target = args.in[Slope::uses_target ? 1 : 0], &dx = args.out[0];
  const Real scale = slope_scale<Real, Slope>(args);
  for (int64_t s = 0; s < x.batch.slices; ++s)
    for (int64_t f = 0; f < x.features; ++f)
      for (int64_t lane = 0; lane < x.batch.width; ++lane) {
        const int64_t i = f * x.batch.width + lane;
        const Real slope = Slope::slope(x.slice<Real>(s)[i], target.slice<Real>(s)[i]);
        dx.slice<Real>(s)[i] = lane < args.valid_lanes(x, s) ? slope * scale : Real{0};
      }
}

}  // namespace cairn
