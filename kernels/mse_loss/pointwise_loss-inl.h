// Losses that compare two tensors element by element, and their slopes, on vectors of floats.
#if defined(KERNELS_MSE_LOSS_POINTWISE_LOSS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KERNELS_MSE_LOSS_POINTWISE_LOSS_INL_H_
#undef KERNELS_MSE_LOSS_POINTWISE_LOSS_INL_H_
#else
#define KERNELS_MSE_LOSS_POINTWISE_LOSS_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "kernels/mse_loss/pointwise_loss.h"
#include "kernels/unary/elementwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

/// The sum of f(d, x, t) over [0, n), in double and in an order that no vector's width changes.
template <class F>
HWY_INLINE double sum_run(int64_t n, F f, const float* x, const float* t) {
  constexpr int64_t kRun = 1024, kSums = 8;
  float values[kRun];
  double sums[kSums] = {}, total = 0;
  for (int64_t begin = 0; begin < n; begin += kRun) {
    const int64_t count = std::min(kRun, n - begin);
    map_run(count, f, values, x + begin, t + begin);
    for (int64_t i = 0; i < count; ++i) sums[i % kSums] += static_cast<double>(values[i]);
  }
  for (const double sum : sums) total += sum;
  return total;
}

/// loss += 1/n times the sum of f(d, x, t) over the real examples.
template <class F>
HWY_INLINE void sum_loss(const Args& args, F f) {
  const Tensor &x = args.in[0], &target = args.in[1];
  const int64_t width = x.batch.width;
  double sum = 0;
  for (int64_t s = 0; s < x.batch.slices; ++s) {
    const int64_t valid = args.valid_lanes(x, s);
    const float *a = x.slice<float>(s), *b = target.slice<float>(s);
    if (valid == width)
      sum += sum_run(x.features * width, f, a, b);
    else
      for (int64_t i = 0; i < x.features; ++i)
        sum += sum_run(valid, f, a + i * width, b + i * width);
  }
  sum *= element_scale(reduction_of(args), *args.step, x.features);
  args.out[0].as<float>()[0] += static_cast<float>(sum);
}

/// dx = f(d, x, t) dloss / n; spare lanes get zeros.
template <class Slope, class F>
HWY_INLINE void map_slope(const Args& args, F f) {
  const Tensor &x = args.in[0], &target = args.in[Slope::uses_target ? 1 : 0], &dx = args.out[0];
  const int64_t width = x.batch.width;
  const float scale = slope_scale<float, Slope>(args);
  map_tensors(
      args,
      [f, scale](auto d, auto v, auto t)
          HWY_ATTR { return hn::Mul(f(d, v, t), hn::Set(d, scale)); },
      dx, x, target);
  for (int64_t s = 0; s < x.batch.slices; ++s)
    if (const int64_t valid = args.valid_lanes(x, s); valid < width)
      for (int64_t i = 0; i < x.features; ++i)
        std::fill(dx.slice<float>(s) + i * width + valid, dx.slice<float>(s) + (i + 1) * width,
                  0.0f);
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
