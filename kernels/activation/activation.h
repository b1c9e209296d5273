// The activation functions that have attributes or need their input x for the gradient, applied to
// each element. (kernels/unary has relu, tanh, sigmoid and scaled_tanh.)
//
//   leaky_relu:  y = x > 0 ? x : negative_slope x
//   elu:         y = x > 0 ? x : alpha (exp(x) - 1)
//   gelu:        y = x P(x), with P the normal distribution function (1 + erf(x / sqrt 2)) / 2; for
//                approximate=tanh P(x) = (1 + tanh u) / 2 = sigmoid(2 u),
//                u = sqrt(2 / pi) (x + 0.044715 x^3)
//   softplus:    y = log(1 + exp(beta x)) / beta; x where beta x > threshold
//
//   leaky_relu_grad, elu_grad, gelu_grad, softplus_grad: dx = dy y'(x), with the same attributes
//
// Any shape, batched or plain. Attributes, defaults, and values at NaN and infinities are
// PyTorch's: y'(0) is negative_slope for leaky_relu and alpha for elu; gelu(-inf) is NaN. Errors: x
// and dy of different types. Sources: Maas, Hannun and Ng 2013 (leaky_relu); Clevert, Unterthiner
// and Hochreiter 2015 (elu); Hendrycks and Gimpel 2016 (gelu); Dugas et al. 2000 (softplus).
#pragma once

#include <cmath>

#include "core/host_device.h"
#include "core/op.h"
#include "kernels/unary/unary.h"

namespace cairn {

constexpr double kGeluCubic = 0.044715, kSqrtTwoOverPi = 0.79788456080286535588;
constexpr double kSqrtHalf = 0.70710678118654752440, kOverSqrtTwoPi = 0.39894228040143267794;

// A function with its attributes: value is y(x), derivative y'(x).

template <class R>
struct LeakyReluFunction {
  using Real = R;
  Real negative_slope;

  explicit LeakyReluFunction(const Attrs& a) : negative_slope(static_cast<Real>(a.real(0))) {}
  CAIRN_HD Real value(Real x) const { return x > 0 ? x : negative_slope * x; }
  CAIRN_HD Real derivative(Real x) const { return x > 0 ? Real{1} : negative_slope; }
};

template <class R>
struct EluFunction {
  using Real = R;
  Real alpha;

  explicit EluFunction(const Attrs& a) : alpha(static_cast<Real>(a.real(0))) {}
  CAIRN_HD Real value(Real x) const { return x < 0 ? alpha * std::expm1(x) : x; }
  CAIRN_HD Real derivative(Real x) const { return x > 0 ? Real{1} : alpha * std::exp(x); }
};

template <class R>
struct GeluFunction {
  using Real = R;
  bool approximate;

  explicit GeluFunction(const Attrs& a) : approximate(a.flag(0)) {}
  CAIRN_HD Real value(Real x) const { return x * probability(x); }
  /// P(x) + x P'(x). The bell-shaped factor comes first, so that powers of a large x don't
  /// overflow.
  CAIRN_HD Real derivative(Real x) const {
    const Real p = probability(x);
    if (!approximate) return p + x * static_cast<Real>(kOverSqrtTwoPi) * std::exp(-x * x / 2);
    const Real bell = 2 * static_cast<Real>(kSqrtTwoOverPi) * (p * (1 - p)) * x;
    return p + bell + 3 * static_cast<Real>(kGeluCubic) * (bell * x) * x;
  }

 private:
  CAIRN_HD Real probability(Real x) const {
    if (!approximate) return std::erfc(-x * static_cast<Real>(kSqrtHalf)) / 2;
    const Real u =
        static_cast<Real>(kSqrtTwoOverPi) * x * (1 + static_cast<Real>(kGeluCubic) * x * x);
    return activate(Activation::sigmoid, 2 * u);
  }
};

template <class R>
struct SoftplusFunction {
  using Real = R;
  Real beta, threshold;

  explicit SoftplusFunction(const Attrs& a)
      : beta(static_cast<Real>(a.real(0))), threshold(static_cast<Real>(a.real(1))) {}
  /// exp sees no positive argument, so nothing overflows.
  CAIRN_HD Real value(Real x) const {
    const Real z = beta * x;
    if (z > threshold) return x;
    return (z > 0 ? z + std::log1p(std::exp(-z)) : std::log1p(std::exp(z))) / beta;
  }
  CAIRN_HD Real derivative(Real x) const {
    return beta * x > threshold ? Real{1} : activate(Activation::sigmoid, beta * x);
  }
};

template <class F>
void activation_ref(const Args& args);
template <class F>
void activation_grad_ref(const Args& args);

void leaky_relu_cpu(const Args& args);
void elu_cpu(const Args& args);
void gelu_cpu(const Args& args);
void softplus_cpu(const Args& args);
void leaky_relu_grad_cpu(const Args& args);
void elu_grad_cpu(const Args& args);
void gelu_grad_cpu(const Args& args);
void softplus_grad_cpu(const Args& args);

/// F is a function above, for float.
template <class F>
void activation_cuda(const Args& args, CudaContext& context);
template <class F>
void activation_grad_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
