// The activation functions, applied to each element, and their gradients in terms of the output y.
//
//   relu:         y = max(0, x)            relu_grad:         dx = y <= 0 ? 0 : dy
//   tanh:         y = tanh x               tanh_grad:         dx = dy (1 - y^2)
//   sigmoid:      y = 1 / (1 + exp(-x))    sigmoid_grad:      dx = dy y (1 - y)
//   scaled_tanh:  y = A tanh(2/3 x)        scaled_tanh_grad:  dx = dy 2/3 (A^2 - y^2) / A
//
// A = 1.7159, so that +-1 maps to itself and the second derivative is largest there.
// Any shape, batched or plain. NaN in, NaN out, for relu as well, and relu_grad passes dy on at
// a NaN (as in PyTorch); relu'(0) = 0.
// Following a linear or conv2d node that nobody else reads, a function vanishes into that node's
// `activation`, and relu into residual_add's too; a gradient vanishes likewise into linear_dx or a
// pool's gradient. Functions with attributes are in kernels/activation. Errors: y and dy of
// different types. Sources: Rumelhart, Hinton and Williams 1986 (sigmoid); LeCun et al. 1998,
// "Efficient BackProp" (tanh, scaled_tanh); Nair and Hinton 2010, "Rectified linear units improve
// restricted Boltzmann machines" (relu).
#pragma once

#include <array>
#include <cmath>
#include <string_view>

#include "core/host_device.h"
#include "core/op.h"

namespace cairn {

/// What a layer may apply to its output; the values are those of the attribute `activation`.
enum class Activation : int { none = 0, relu = 1, tanh = 2, sigmoid = 3, scaled_tanh = 4 };
inline constexpr std::string_view kActivations[] = {"none", "relu", "tanh", "sigmoid",
                                                    "scaled_tanh"};

/// The rules of an op with that attribute: functions that it applies to its output itself.
inline constexpr FusionRule kActivationFusions[] = {{"relu", "activation", 1},
                                                    {"tanh", "activation", 2},
                                                    {"sigmoid", "activation", 3},
                                                    {"scaled_tanh", "activation", 4}};

/// The same for a gradient: with y, a function's output, as input `operand`, the op makes dL/dx of
/// what went into the function.
consteval std::array<FusionRule, 4> activation_grad_fusions(int operand) {
  return {{{"relu_grad", "activation", 1, operand, 1},
           {"tanh_grad", "activation", 2, operand, 1},
           {"sigmoid_grad", "activation", 3, operand, 1},
           {"scaled_tanh_grad", "activation", 4, operand, 1}}};
}

constexpr double kTanhScale = 1.7159, kTanhSlope = 2.0 / 3;  // of scaled_tanh

/// The function; exp sees no positive argument, so nothing overflows.
template <class Real>
CAIRN_HD Real activate(Activation a, Real x) {
  if (a == Activation::relu) return x <= 0 ? Real{0} : x;
  if (a == Activation::tanh) return std::tanh(x);
  if (a == Activation::sigmoid) {
    const Real e = std::exp(x < 0 ? x : -x);
    return (x < 0 ? e : Real{1}) / (1 + e);
  }
  if (a == Activation::scaled_tanh)
    return static_cast<Real>(kTanhScale) * std::tanh(static_cast<Real>(kTanhSlope) * x);
  return x;
}

/// dL/dx from the output y and dy = dL/dy.
template <class Real>
CAIRN_HD Real activate_grad(Activation a, Real y, Real dy) {
  if (a == Activation::relu) return y <= 0 ? Real{0} : dy;
  if (a == Activation::tanh) return dy * ((1 - y) * (1 + y));
  if (a == Activation::sigmoid) return dy * (y * (1 - y));
  if (a == Activation::scaled_tanh) {
    constexpr auto kScale = static_cast<Real>(kTanhScale);
    return dy * (static_cast<Real>(kTanhSlope / kTanhScale) * ((kScale - y) * (kScale + y)));
  }
  return dy;
}

/// For an op with those rules, whose dx has shape x: refuses the function without the function's
/// output y (input `y`), y without the function, and y of another shape.
void expect_activation_output(const OpTypes& t, Activation a, int y, const Shape& x);

/// The reference's last step of such a gradient, in place, for example n.
template <class Real>
void pass_activation(Activation a, const Tensor& y, const Tensor& dx, int64_t n) {
  if (a == Activation::none) return;
  for (int64_t f = 0; f < dx.features; ++f)
    dx.at<Real>(n, f) = activate_grad(a, y.at<Real>(n, f), dx.at<Real>(n, f));
}
/// The same on CUDA for all examples.
void pass_activation_cuda(Activation a, const Tensor& y, const Tensor& dx, CudaContext& context);

template <class Real, Activation a>
void unary_ref(const Args& args);
template <class Real, Activation a>
void unary_grad_ref(const Args& args);

void relu_cpu(const Args& args);
void tanh_cpu(const Args& args);
void sigmoid_cpu(const Args& args);
void scaled_tanh_cpu(const Args& args);
void relu_grad_cpu(const Args& args);
void tanh_grad_cpu(const Args& args);
void sigmoid_grad_cpu(const Args& args);
void scaled_tanh_grad_cpu(const Args& args);

void relu_cuda(const Args& args, CudaContext& context);
void tanh_cuda(const Args& args, CudaContext& context);
void sigmoid_cuda(const Args& args, CudaContext& context);
void scaled_tanh_cuda(const Args& args, CudaContext& context);
void relu_grad_cuda(const Args& args, CudaContext& context);
void tanh_grad_cuda(const Args& args, CudaContext& context);
void sigmoid_grad_cuda(const Args& args, CudaContext& context);
void scaled_tanh_grad_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
