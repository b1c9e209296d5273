#include "kernels/unary/unary.h"

#include <fmt/format.h>

#include "core/autodiff.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) { t.set_out(0, t.shape(0)); }

void infer_grad(const OpTypes& t) {
  expect(t.shape(0) == t.shape(1) && t.in[0].batched == t.in[1].batched, "unary gradient",
         fmt::format("y is {}, but dy is {}", to_string(t.in[0]), to_string(t.in[1])));
  t.set_out(0, t.shape(0));
}

Cost cost(const OpTypes& t) { return stream_cost(t, 1); }
Cost cost_grad(const OpTypes& t) { return stream_cost(t, 3); }

void gradient(GradientRule& rule) {
  rule.set(0, rule.emit(fmt::format("{}_grad", rule.op_name()), {rule.out(0), rule.dout(0)}));
}

constexpr InputDef kInputs[] = {{"x", Layout::any}};
constexpr OutputDef kOutputs[] = {{"y", Layout::any}};
constexpr InputDef kGradInputs[] = {{"y", Layout::any}, {"dy", Layout::any}};
constexpr OutputDef kGradOutputs[] = {{"dx", Layout::any}};

template <Activation a>
constexpr FusionRule kInto[] = {{"linear", "activation", static_cast<int>(a)},
                                {"conv2d", "activation", static_cast<int>(a)}};

// Golden values: tests/oracle/unary.py.
constexpr double kX[] = {-2, -0.5, 0, 0.75, 3}, kDy[] = {0.5, -1, 2, 0.25, -3};
constexpr double kRelu[] = {0, 0, 0, 0.75, 3}, kReluDx[] = {0, 0, 0, 0.25, -3};
constexpr double kTanh[] = {-0.964027580075817, -0.46211715726001, 0, 0.635148952387287,
                            0.99505475368673};
constexpr double kTanhDx[] = {0.0353254124265822, -0.786447732965927, 2, 0.149146452070333,
                              -0.0295981114963205};
constexpr double kSigmoid[] = {0.119202922022118, 0.377540668798145, 0.5, 0.679178699175393,
                               0.952574126822433};
constexpr double kSigmoidDx[] = {0.0524967927017533, -0.235003712201594, 0.5, 0.0544737484404535,
                                 -0.135529979192736};

template <const double (&y)[5]>
constexpr Case kCases[] = {
    {.name = "golden", .n = 1, .inputs = {{{.shape = {5}, .values = kX}}}, .expect = {y}},
    {.name = "planes",
     .n = 33,
     .inputs = {{{.shape = {6, 7, 5}, .fill = Fill::spread}}},
     .bench = true},
    {.name = "scalar", .n = 17, .inputs = {{{.shape = {}, .fill = Fill::spread}}}},
};
template <const double (&y)[5], const double (&dx)[5]>
constexpr Case kGradCases[] = {
    {.name = "golden",
     .n = 1,
     .inputs = {{{.shape = {5}, .values = y}, {.shape = {5}, .values = kDy}}},
     .expect = {dx}},
    {.name = "planes",
     .n = 33,
     .inputs = {{{.shape = {6, 7, 5}, .fill = Fill::spread}, {.shape = {6, 7, 5}}}},
     .bench = true},
    {.name = "wrong_shape",
     .inputs = {{{.shape = {4}}, {.shape = {5}}}},
     .error = "y is float32 (N, 4), but dy is float32 (N, 5)"},
};

template <Activation a, const double (&y)[5]>
consteval OpDef function(std::string_view name, KernelFn cpu, CudaFn cuda) {
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
                  .gradient = gradient,
                  .cost = cost,
                  .fusions = kInto<a>,
                  .cases = kCases<y>});
}

template <Activation a, const double (&y)[5], const double (&dx)[5]>
consteval OpDef grad(std::string_view name, KernelFn cpu, CudaFn cuda) {
  return checked({.name = name,
                  .inputs = kGradInputs,
                  .outputs = kGradOutputs,
                  .attrs = none,
                  .scope = Scope::per_example,
                  .infer = infer_grad,
                  .workspace = no_workspace,
                  .reference = {unary_grad_ref<float, a>, unary_grad_ref<double, a>},
                  .cpu = cpu,
                  .cuda = cuda,
                  .gradient = not_differentiable,
                  .cost = cost_grad,
                  .fusions = none,
                  .cases = kGradCases<y, dx>});
}

constexpr OpDef kOps[] = {
    function<Activation::relu, kRelu>("relu", relu_cpu, cuda_twin(relu_cuda)),
    function<Activation::tanh, kTanh>("tanh", tanh_cpu, cuda_twin(tanh_cuda)),
    function<Activation::sigmoid, kSigmoid>("sigmoid", sigmoid_cpu, cuda_twin(sigmoid_cuda)),
    grad<Activation::relu, kRelu, kReluDx>("relu_grad", relu_grad_cpu, cuda_twin(relu_grad_cuda)),
    grad<Activation::tanh, kTanh, kTanhDx>("tanh_grad", tanh_grad_cpu, cuda_twin(tanh_grad_cuda)),
    grad<Activation::sigmoid, kSigmoid, kSigmoidDx>("sigmoid_grad", sigmoid_grad_cpu,
                                                    cuda_twin(sigmoid_grad_cuda)),
};

}  // namespace

extern const std::span<const OpDef> unary_ops;
constinit const std::span<const OpDef> unary_ops{kOps};

}  // namespace cairn
