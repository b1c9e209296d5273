// The activation functions on vectors of floats, for the epilogues and elementwise ops of every SIMD target.
//
//   RationalTanh  x P(x^2) / Q(x^2), P and Q of degree 4, fitted for the least relative error on |x| <= 8.3
//            (0.16 x 2^-24; Lawson's reweighted least squares, 1961); +-1 beyond
//   Sigmoid  1 / (1 + e), or e / (1 + e) where x < 0, with e = exp(-|x|) from Highway
//
// NaN in, NaN out; infinities give the limits; RationalTanh keeps -0 and never exceeds 1 in size.
#if defined(KERNELS_UNARY_ACTIVATION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KERNELS_UNARY_ACTIVATION_INL_H_
#undef KERNELS_UNARY_ACTIVATION_INL_H_
#else
#define KERNELS_UNARY_ACTIVATION_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "kernels/unary/unary.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D, class V = hn::Vec<D>>
HWY_INLINE V Relu(D d, V x) {
  return hn::IfThenZeroElse(hn::Le(x, hn::Zero(d)), x);
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V RationalTanh(D d, V x) {
  const V u = hn::Mul(x, x);
  const V one = hn::Set(d, 1.0f);
  V p = hn::MulAdd(u, hn::Set(d, 1.471136944e-8f), hn::Set(d, 2.1555264e-5f));
  V q = hn::MulAdd(u, hn::Set(d, 8.321266021e-7f), hn::Set(d, 3.378661334e-4f));
  p = hn::MulAdd(u, p, hn::Set(d, 3.552082405e-3f));
  q = hn::MulAdd(u, q, hn::Set(d, 2.609111973e-2f));
  p = hn::MulAdd(u, p, hn::Set(d, 1.342835252e-1f));
  q = hn::MulAdd(u, q, hn::Set(d, 4.676168016e-1f));
  p = hn::MulAdd(u, p, one);
  q = hn::MulAdd(u, q, one);
  const auto saturated = hn::Gt(hn::Abs(x), hn::Set(d, 8.1f));
  return hn::IfThenElse(saturated, hn::CopySign(one, x), hn::Div(hn::Mul(x, p), q));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V Sigmoid(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  const V e = hn::Exp(d, hn::Neg(hn::Abs(x)));
  const V y = hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one), hn::Add(one, e));
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V Activate(D d, Activation a, V x) {
  if (a == Activation::relu) return Relu(d, x);
  if (a == Activation::tanh) return RationalTanh(d, x);
  if (a == Activation::sigmoid) return Sigmoid(d, x);
  return x;
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
