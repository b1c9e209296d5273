// The activation functions on vectors of floats, for epilogues and elementwise ops.
//
// RationalTanh: tanh x = 2 t / (1 + t^2) with t = tanh(x/2) = (x/2) P(x^2) / Q(x^2), over one
// division: near saturation the doubling damps t's errors. P and Q, of degrees 2 and 3, are fitted
// for the least relative error of tanh on |x| <= 8.2, 0.1 x 2^-24 (Lawson's reweighted least
// squares, 1961); the result is +-1 where |x| > 8.5.
// Sigmoid: 1 / (1 + e), or e / (1 + e) where x < 0, with e = exp(-|x|) from Highway.
//
// Measured against double over every float of 2^-15 <= |x| < 10 (tanh) or 128 (sigmoid) and every
// 997th of the others: RationalTanh at most 3.5 ulp on targets with fused multiply-add, 4.1 on
// others; Sigmoid 2.5; scaled_tanh 4.5. NaN in, NaN out; infinities give the limits; RationalTanh
// keeps -0 and never exceeds 1 in size. (hwy::Tanh is another function: an unqualified Tanh would
// be ambiguous.)
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
  const V one = hn::Set(d, 1.0f);
  const V u = hn::Mul(x, x);
  V p = hn::MulAdd(u, hn::Set(d, 1.152985488e-4f), hn::Set(d, 2.982155089e-2f));
  V q = hn::MulAdd(u, hn::Set(d, 1.251360752e-6f), hn::Set(d, 1.21156522e-3f));
  p = hn::MulAdd(hn::Mul(x, u), p, x);
  q = hn::Mul(u, hn::MulAdd(u, q, hn::Set(d, 1.131548578e-1f)));
  const V half = hn::Mul(p, hn::Set(d, 0.5f));
  const V squares = hn::MulAdd(q, hn::Add(q, hn::Set(d, 2.0f)), hn::Mul(half, half));
  const V y = hn::Div(hn::MulAdd(p, q, p), hn::Add(squares, one));
  return hn::IfThenElse(hn::Gt(hn::Abs(x), hn::Set(d, 8.5f)), hn::CopySign(one, x), y);
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
  if (a == Activation::tanh || a == Activation::scaled_tanh) {
    const bool scaled = a == Activation::scaled_tanh;  // one copy of RationalTanh for both
    const V y =
        RationalTanh(d, scaled ? hn::Mul(hn::Set(d, static_cast<float>(kTanhSlope)), x) : x);
    return scaled ? hn::Mul(hn::Set(d, static_cast<float>(kTanhScale)), y) : y;
  }
  if (a == Activation::sigmoid) return Sigmoid(d, x);
  return x;
}

/// As activate_grad (unary.h), with its bits.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ActivateGrad(D d, Activation a, V y, V dy) {
  if (a == Activation::relu) return hn::IfThenZeroElse(hn::Le(y, hn::Zero(d)), dy);
  const V one = hn::Set(d, 1.0f);
  if (a == Activation::tanh) return hn::Mul(dy, hn::Mul(hn::Sub(one, y), hn::Add(one, y)));
  if (a == Activation::sigmoid) return hn::Mul(dy, hn::Mul(y, hn::Sub(one, y)));
  if (a == Activation::scaled_tanh) {
    const V scale = hn::Set(d, static_cast<float>(kTanhScale));
    const V slope = hn::Set(d, static_cast<float>(kTanhSlope / kTanhScale));
    return hn::Mul(dy, hn::Mul(slope, hn::Mul(hn::Sub(scale, y), hn::Add(scale, y))));
  }
  return dy;
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
