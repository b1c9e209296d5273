// Elementary functions of one number, applied to each element, and their gradients.
//
//   neg:     y = -x
//   exp:     y = e^x                            exp_grad:     dx = dy y
//   log:     y = ln x                           log_grad:     dx = dy / x
//   square:  y = x^2                            square_grad:  dx = 2 x dy
//   sqrt:    y = x^(1/2)                        sqrt_grad:    dx = dy / (2 y)
//   abs:     y = |x|                            abs_grad:     dx = dy sign(x)
//   clamp:   y = min(max(x, `min`), `max`)      clamp_grad:   dx = min <= x <= max ? dy : 0
//   scale:   y = `factor` x + `offset`
//
// neg's gradient is a neg, scale's a scale. Any shape, batched or plain. NaN in, NaN out; the
// logarithm of zero is -Inf, that of a negative number and its square root are NaN; sign(0) and
// sign(NaN) are 0, and clamp's gradient at a NaN is 0 (as in PyTorch). clamp with min > max gives
// max. Errors: x or y and dy of different types, a limit that is NaN. Source: IEEE 754-2019 (values
// at the ends of floating point).
#pragma once

#include <cmath>

#include "core/host_device.h"
#include "core/op.h"

namespace cairn {

enum class MathFunction : int { neg, exp, log, square, sqrt, abs, clamp, scale };

/// The two attributes of clamp and scale, in the schema's order; nothing for the others.
template <class Real>
struct MathAttrs {
  Real a, b;

  explicit MathAttrs(const Args& args)
      : a(static_cast<Real>(args.attrs->real(0))), b(static_cast<Real>(args.attrs->real(1))) {}
};

template <class Real>
CAIRN_HD Real evaluate(MathFunction f, Real x, const MathAttrs<Real>& attrs) {
  switch (f) {
    case MathFunction::neg:
      return -x;
    case MathFunction::exp:
      return std::exp(x);
    case MathFunction::log:
      return std::log(x);
    case MathFunction::square:
      return x * x;
    case MathFunction::sqrt:
      return std::sqrt(x);
    case MathFunction::abs:
      return std::abs(x);
    case MathFunction::clamp: {
      const Real above = x < attrs.a ? attrs.a : x;
      return above > attrs.b ? attrs.b : above;
    }
    case MathFunction::scale:
      return attrs.a * x + attrs.b;
  }
  return x;
}

/// dL/dx from dy = dL/dy and from v: y for exp and sqrt, x for the others.
template <class Real>
CAIRN_HD Real evaluate_grad(MathFunction f, Real v, Real dy, const MathAttrs<Real>& attrs) {
  switch (f) {
    case MathFunction::neg:
      return -dy;
    case MathFunction::exp:
      return dy * v;
    case MathFunction::log:
      return dy / v;
    case MathFunction::square:
      return dy * (2 * v);
    case MathFunction::sqrt:
      return dy / (2 * v);
    case MathFunction::abs:
      return dy * (v > 0 ? Real{1} : v < 0 ? Real{-1} : Real{0});
    case MathFunction::clamp:
      return v >= attrs.a && v <= attrs.b ? dy : Real{0};
    case MathFunction::scale:
      return attrs.a * dy;
  }
  return dy;
}

template <class Real>
void evaluate_ref(MathFunction f, const Args& args);
template <class Real>
void evaluate_grad_ref(MathFunction f, const Args& args);
void evaluate_cpu(MathFunction f, const Args& args);
void evaluate_grad_cpu(MathFunction f, const Args& args);

template <class Real, MathFunction f>
void math_ref(const Args& args) {
  evaluate_ref<Real>(f, args);
}
template <class Real, MathFunction f>
void math_grad_ref(const Args& args) {
  evaluate_grad_ref<Real>(f, args);
}
template <MathFunction f>
void math_cpu(const Args& args) {
  evaluate_cpu(f, args);
}
template <MathFunction f>
void math_grad_cpu(const Args& args) {
  evaluate_grad_cpu(f, args);
}

template <MathFunction f>
void math_cuda(const Args& args, CudaContext& context);
template <MathFunction f>
void math_grad_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
