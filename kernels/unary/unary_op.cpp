#include <fmt/format.h>

#include "core/autodiff.h"
#include "kernels/unary/unary.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) { t.set_out(0, t.shape(0)); }

/// The gradients' rule; `name` for the message alone.
template <Activation a>
void infer_grad(const OpTypes& t) {
  expect(t.in[0] == t.in[1], fmt::format("{}_grad", kActivations[static_cast<size_t>(a)]),
         fmt::format("y is {}, but dy is {}", to_string(t.in[0]), to_string(t.in[1])));
  t.set_out(0, t.shape(0));
}

template <Activation a>
void gradient(GradientRule& rule) {
  rule.set(0, rule.emit(fmt::format("{}_grad", kActivations[static_cast<size_t>(a)]),
                        {rule.out(0), rule.dout(0)}));
}

Cost relu_cost(const OpTypes& t) { return stream_cost(t, 1); }
Cost tanh_cost(const OpTypes& t) { return stream_cost(t, 21); }     // of RationalTanh
Cost sigmoid_cost(const OpTypes& t) { return stream_cost(t, 20); }  // of Sigmoid, exp included
Cost grad_cost(const OpTypes& t) { return stream_cost(t, 4); }

constexpr InputDef kInputs[] = {{"x", Layout::any}};
constexpr OutputDef kOutputs[] = {{"y", Layout::any}};
constexpr InputDef kGradInputs[] = {{"y", Layout::any}, {"dy", Layout::any}};
constexpr OutputDef kGradOutputs[] = {{"dx", Layout::any}};

/// A layer's attribute `activation` takes the function's place.
template <Activation a>
constexpr FusionRule kFusions[] = {{"linear", "activation", static_cast<double>(a)},
                                   {"conv2d", "activation", static_cast<double>(a)}};

// Golden values: tests/oracle/unary.py.
constexpr double kX[] = {-20, -1.5, 0.25, 0.75, 3, 11};
constexpr double kDy[] = {0.5, -1, 2, 1.5, -0.25, 4};
constexpr double kReluY[] = {0, 0, 0.25, 0.75, 3, 11};
constexpr double kReluDx[] = {0, 0, 2, 1.5, -0.25, 4};
constexpr double kTanhY[] = {-1,
                             -0.905148253644866,
                             0.244918662403709,
                             0.635148952387287,
                             0.99505475368673,
                             0.999999999442106};
constexpr double kTanhDx[] = {0,
                              -0.180706638923649,
                              1.88002969761276,
                              0.894878712421997,
                              -0.00246650929136004,
                              4.46314896027491e-09};
constexpr double kSigmoidY[] = {2.0611536181902e-09, 0.182425523806356, 0.562176500885798,
                                0.679178699175393,   0.952574126822433, 0.999983298578152};
constexpr double kSigmoidDx[] = {1.03057680697092e-09, -0.149146452070333, 0.492268165475197,
                                 0.326842490642721,    -0.011294164932728, 6.68045716418463e-05};

constexpr Case function_case(std::string_view name, int64_t n, const Shape& shape,
                             bool bench = false) {
  return {
      .name = name, .n = n, .inputs = {{{.shape = shape, .fill = Fill::spread}}}, .bench = bench};
}
constexpr Case golden_function(std::span<const double> y) {
  return {.name = "golden", .inputs = {{{.shape = {3}, .values = kX}}}, .expect = {y}};
}
constexpr Case bad_attribute(std::string_view attrs, std::string_view error) {
  return {
      .name = error, .attrs = attrs, .inputs = {{{.shape = {3}}, {.shape = {3}}}}, .error = error};
}

template <const auto& y>
constexpr Case kCases[] = {
    golden_function(y),
    function_case("single", 1, {7}),
    function_case("planes", 17, {3, 5, 7}),
    function_case("scalar", 2, {}),
    function_case("lenet_c1", 33, {6, 28, 28}, true),
    bad_attribute("slope=0.1", "has no attribute 'slope'"),
    bad_attribute("inplace", "'inplace' is no attribute"),
};

constexpr Case gradient_case(std::string_view name, int64_t n, const Shape& shape,
                             bool bench = false) {
  return {.name = name,
          .n = n,
          .inputs = {{{.shape = shape, .fill = Fill::spread}, {.shape = shape}}},
          .bench = bench};
}
constexpr Case golden_gradient(std::span<const double> y, std::span<const double> dx) {
  return {.name = "golden",
          .inputs = {{{.shape = {3}, .values = y}, {.shape = {3}, .values = kDy}}},
          .expect = {dx}};
}

template <const auto& y, const auto& dx>
constexpr Case kGradCases[] = {
    golden_gradient(y, dx),
    gradient_case("single", 1, {7}),
    gradient_case("planes", 17, {3, 5, 7}),
    gradient_case("lenet_c1", 33, {6, 28, 28}, true),
    {.name = "wrong_size",
     .inputs = {{{.shape = {3, 4}}, {.shape = {3, 5}}}},
     .error = "y is float32 (N, 3, 4), but dy is float32 (N, 3, 5)"},
    {.name = "wrong_rank",
     .inputs = {{{.shape = {12}}, {.shape = {3, 4}}}},
     .error = "but dy is float32 (N, 3, 4)"},
    bad_attribute("slope=0.1", "has no attribute 'slope'"),
};

template <Activation a, const auto& y>
consteval OpDef function(std::string_view name, KernelFn cpu, CudaFn cuda, CostFn cost) {
  return checked({.name = name,
                  .inputs = kInputs,
                  .outputs = kOutputs,
                  .attrs = none,
                  .scope = Scope::per_example,
                  .infer = infer,
                  .workspace = no_workspace,
                  .reference = {unary_ref<float, a>, unary_ref<double, a>},
                  .cpu = cpu,
                  .cuda = cuda,
                  .gradient = gradient<a>,
                  .cost = cost,
                  .fusions = kFusions<a>,
                  .cases = kCases<y>});
}

template <Activation a, const auto& y, const auto& dx>
consteval OpDef function_grad(std::string_view name, KernelFn cpu, CudaFn cuda) {
  return checked({.name = name,
                  .inputs = kGradInputs,
                  .outputs = kGradOutputs,
                  .attrs = none,
                  .scope = Scope::per_example,
                  .infer = infer_grad<a>,
                  .workspace = no_workspace,
                  .reference = {unary_grad_ref<float, a>, unary_grad_ref<double, a>},
                  .cpu = cpu,
                  .cuda = cuda,
                  .gradient = not_differentiable,
                  .cost = grad_cost,
                  .fusions = none,
                  .cases = kGradCases<y, dx>});
}

constexpr OpDef kOps[] = {
    function<Activation::relu, kReluY>("relu", relu_cpu, cuda_twin(relu_cuda), relu_cost),
    function<Activation::tanh, kTanhY>("tanh", tanh_cpu, cuda_twin(tanh_cuda), tanh_cost),
    function<Activation::sigmoid, kSigmoidY>("sigmoid", sigmoid_cpu, cuda_twin(sigmoid_cuda),
                                             sigmoid_cost),
    function_grad<Activation::relu, kReluY, kReluDx>("relu_grad", relu_grad_cpu,
                                                     cuda_twin(relu_grad_cuda)),
    function_grad<Activation::tanh, kTanhY, kTanhDx>("tanh_grad", tanh_grad_cpu,
                                                     cuda_twin(tanh_grad_cuda)),
    function_grad<Activation::sigmoid, kSigmoidY, kSigmoidDx>("sigmoid_grad", sigmoid_grad_cpu,
                                                              cuda_twin(sigmoid_grad_cuda)),
};

}  // namespace

extern const std::span<const OpDef> unary_ops;
constinit const std::span<const OpDef> unary_ops{kOps};

}  // namespace cairn
