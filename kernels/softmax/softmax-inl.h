// Softmax on vectors of columns: a lane is a column, element k of the first lies at x[k * stride].
#if defined(KERNELS_SOFTMAX_SOFTMAX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KERNELS_SOFTMAX_SOFTMAX_INL_H_
#undef KERNELS_SOFTMAX_SOFTMAX_INL_H_
#else
#define KERNELS_SOFTMAX_SOFTMAX_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// exp(x - max), which is at most 1. Highway's Exp of a NaN is 0, so NaNs go around it.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ExpBelow(D d, V x, V max) {
  const V v = hn::Sub(x, max);
  return hn::IfThenElse(hn::IsNaN(v), v, hn::Exp(d, v));
}

/// The softmax p of the columns, whose largest elements are `max`; returns the sums of exp(x -
/// max).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V SoftmaxOf(D d, const float* x, int64_t size, int64_t stride, V max, float* p) {
  V sum = hn::Zero(d);
  for (int64_t k = 0; k < size; ++k) {
    const V e = ExpBelow(d, hn::LoadU(d, x + k * stride), max);
    hn::StoreU(e, d, p + k * stride);
    sum = hn::Add(sum, e);
  }
  for (int64_t k = 0; k < size; ++k)
    hn::StoreU(hn::Div(hn::LoadU(d, p + k * stride), sum), d, p + k * stride);
  return sum;
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
