#include <limits>

#include <fmt/format.h>

#include "core/autodiff.h"
#include "kernels/unary/unary.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) { t.set_out(0, t.shape(0)); }

void infer_grad(const OpTypes& t) {
  expect(t.in[0] == t.in[1], t.op,
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
Cost scaled_tanh_cost(const OpTypes& t) { return stream_cost(t, 23); }
Cost grad_cost(const OpTypes& t) { return stream_cost(t, 4); }

constexpr InputDef kInputs[] = {{"x", Layout::any}};
constexpr OutputDef kOutputs[] = {{"y", Layout::any}};
constexpr InputDef kGradInputs[] = {{"y", Layout::any}, {"dy", Layout::any}};
constexpr OutputDef kGradOutputs[] = {{"dx", Layout::any}};

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
constexpr double kScaledTanhY[] = {-1.715899999991,   -1.3068194122045, 0.283364434537371,
                                   0.792946830142451, 1.65417492465209, 1.71589853489287};
constexpr double kScaledTanhDx[] = {6.00123082337791e-12, -0.480422648517005,
                                    2.22547344036313,     1.34946566499623,
                                    -0.0202049583942575,  7.81390138191783e-06};

// At the ends of floating point; from the same script.
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kTiny = 1e-40, kLeast = std::numeric_limits<float>::denorm_min();  // denormal
constexpr double kSpecialX[] = {kNan,   kInf, -kInf, -0.0,  0,   kTiny,
                                -kTiny, 3e38, -3e38, 1e-30, 100, -100};
constexpr double kReluSpecialY[] = {kNan, kInf, 0, 0, 0, kTiny, 0, 3e38, 0, 1e-30, 100, 0};
constexpr double kTanhSpecialY[] = {kNan, 1, -1, -0.0, 0, kTiny, -kTiny, 1, -1, 1e-30, 1, -1};
constexpr double kSigmoidSpecialY[] = {kNan, 1, 0, 0.5, 0.5, 0.5,
                                       0.5,  1, 0, 0.5, 1,   3.72007597602084e-44};
constexpr double kScaledTanhSpecialY[] = {kNan,
                                          1.7159,
                                          -1.7159,
                                          -0.0,
                                          0,
                                          1.14393333333333e-40,
                                          -1.14393333333333e-40,
                                          1.7159,
                                          -1.7159,
                                          1.14393333333333e-30,
                                          1.7159,
                                          -1.7159};
constexpr double kDenormalX[] = {kNan, kTiny, -kTiny, kLeast, -kLeast, -0.0};
constexpr double kReluDenormalY[] = {kNan, kTiny, 0, kLeast, 0, 0};
constexpr double kSigmoidDenormalY[] = {kNan, 0.5, 0.5, 0.5, 0.5, 0.5};
constexpr double kScaledTanhDenormalY[] = {
    kNan, 1.14393333333333e-40, -1.14393333333333e-40, 1.60299202328997e-45, -1.60299202328997e-45,
    -0.0};
constexpr double kReluGradY[] = {kNan, kInf, 0, -0.0, kTiny, 3e38, 1, 1, 0, 0, 1e-30, 1};
constexpr double kReluGradDy[] = {1, 2, 3, 4, 5, -6, kNan, kInf, kNan, -kInf, -0.0, 3e38};
constexpr double kReluGradDx[] = {1, 2, 0, 0, 5, -6, kNan, kInf, 0, 0, -0.0, 3e38};
constexpr double kSmoothGradDy[] = {1, 2, 3, 4, -5, 6, kInf, kNan, kInf, -kInf, 3e38, -0.0};
constexpr double kTanhGradY[] = {kNan, 1, -1, -0.0, 0, kTiny, 1, 0.5, 0.5, 0, 0.5, 0.5};
constexpr double kTanhGradDx[] = {kNan, 0, 0, 4, -5, 6, kNan, kNan, kInf, -kInf, 2.25e38, -0.0};
constexpr double kSigmoidGradY[] = {kNan, 1, 0, 0.5, 0.5, kTiny, 1, 0.5, 0.5, 0, 0.5, 0.5};
constexpr double kSigmoidGradDx[] = {kNan, 0,    0,    1,    -1.25,  6e-40,
                                     kNan, kNan, kInf, kNan, 7.5e37, -0.0};
constexpr double kScaledTanhGradY[] = {kNan, 1.7159, -1.7159, -0.0, 0,   kTiny,
                                       0.25, 0.5,    0.5,     0,    0.5, 0.5};
constexpr double kScaledTanhGradDx[] = {kNan,
                                        0,
                                        0,
                                        4.57573333333333,
                                        -5.71966666666667,
                                        6.8636,
                                        kInf,
                                        kNan,
                                        kInf,
                                        -kInf,
                                        3.14040772772306e+38,
                                        -0.0};

constexpr Case function_case(std::string_view name, int64_t n, const Shape& shape,
                             bool bench = false) {
  return {
      .name = name, .n = n, .inputs = {{{.shape = shape, .fill = Fill::spread}}}, .bench = bench};
}
/// Two examples.
constexpr Case golden_function(std::string_view name, std::span<const double> x,
                               std::span<const double> y) {
  const auto half = static_cast<int64_t>(x.size() / 2);
  return {.name = name, .inputs = {{{.shape = {half}, .values = x}}}, .expect = {y}};
}
constexpr Case bad_attribute(std::string_view attrs, std::string_view error) {
  return {
      .name = error, .attrs = attrs, .inputs = {{{.shape = {3}}, {.shape = {3}}}}, .error = error};
}

template <const auto& y, const auto& special, const auto& denormal>
constexpr Case kCases[] = {
    golden_function("golden", kX, y),
    golden_function("special", kSpecialX, special),
    golden_function("denormal", kDenormalX, denormal),
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
/// Two examples.
constexpr Case golden_gradient(std::string_view name, std::span<const double> y,
                               std::span<const double> dy, std::span<const double> dx) {
  const auto half = static_cast<int64_t>(y.size() / 2);
  return {.name = name,
          .inputs = {{{.shape = {half}, .values = y}, {.shape = {half}, .values = dy}}},
          .expect = {dx}};
}

template <const auto& y, const auto& dx, const auto& special_y, const auto& special_dy,
          const auto& special_dx>
constexpr Case kGradCases[] = {
    golden_gradient("golden", y, kDy, dx),
    golden_gradient("special", special_y, special_dy, special_dx),
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

template <Activation a>
constexpr Reference kFunction{unary_ref<float, a>, unary_ref<double, a>};
template <Activation a>
constexpr Reference kGradient{unary_grad_ref<float, a>, unary_grad_ref<double, a>};

template <Activation a>
consteval OpDef function(OpDef op) {
  op.inputs = kInputs, op.outputs = kOutputs, op.attrs = none;
  op.scope = Scope::per_example;
  op.infer = infer, op.workspace = no_workspace;
  op.gradient = gradient<a>;
  op.fusions = none;
  return checked(op);
}

consteval OpDef function_grad(OpDef op) {
  op.inputs = kGradInputs, op.outputs = kGradOutputs, op.attrs = none;
  op.scope = Scope::per_example;
  op.infer = infer_grad, op.workspace = no_workspace;
  op.gradient = not_differentiable;
  op.cost = grad_cost;
  op.fusions = none;
  op.bit_exact = true;
  return checked(op);
}

constexpr OpDef kOps[] = {
    function<Activation::relu>({.name = "relu",
                                .reference = kFunction<Activation::relu>,
                                .cpu = relu_cpu,
                                .cuda = cuda_twin(relu_cuda),
                                .cost = relu_cost,
                                .cases = kCases<kReluY, kReluSpecialY, kReluDenormalY>,
                                .bit_exact = true}),
    function<Activation::tanh>({.name = "tanh",
                                .reference = kFunction<Activation::tanh>,
                                .cpu = tanh_cpu,
                                .cuda = cuda_twin(tanh_cuda),
                                .cost = tanh_cost,
                                .cases = kCases<kTanhY, kTanhSpecialY, kDenormalX>}),
    function<Activation::sigmoid>(
        {.name = "sigmoid",
         .reference = kFunction<Activation::sigmoid>,
         .cpu = sigmoid_cpu,
         .cuda = cuda_twin(sigmoid_cuda),
         .cost = sigmoid_cost,
         .cases = kCases<kSigmoidY, kSigmoidSpecialY, kSigmoidDenormalY>}),
    function<Activation::scaled_tanh>(
        {.name = "scaled_tanh",
         .reference = kFunction<Activation::scaled_tanh>,
         .cpu = scaled_tanh_cpu,
         .cuda = cuda_twin(scaled_tanh_cuda),
         .cost = scaled_tanh_cost,
         .cases = kCases<kScaledTanhY, kScaledTanhSpecialY, kScaledTanhDenormalY>}),
    function_grad({.name = "relu_grad",
                   .reference = kGradient<Activation::relu>,
                   .cpu = relu_grad_cpu,
                   .cuda = cuda_twin(relu_grad_cuda),
                   .cases = kGradCases<kReluY, kReluDx, kReluGradY, kReluGradDy, kReluGradDx>}),
    function_grad({.name = "tanh_grad",
                   .reference = kGradient<Activation::tanh>,
                   .cpu = tanh_grad_cpu,
                   .cuda = cuda_twin(tanh_grad_cuda),
                   .cases = kGradCases<kTanhY, kTanhDx, kTanhGradY, kSmoothGradDy, kTanhGradDx>}),
    function_grad(
        {.name = "sigmoid_grad",
         .reference = kGradient<Activation::sigmoid>,
         .cpu = sigmoid_grad_cpu,
         .cuda = cuda_twin(sigmoid_grad_cuda),
         .cases = kGradCases<kSigmoidY, kSigmoidDx, kSigmoidGradY, kSmoothGradDy, kSigmoidGradDx>}),
    function_grad({.name = "scaled_tanh_grad",
                   .reference = kGradient<Activation::scaled_tanh>,
                   .cpu = scaled_tanh_grad_cpu,
                   .cuda = cuda_twin(scaled_tanh_grad_cuda),
                   .cases = kGradCases<kScaledTanhY, kScaledTanhDx, kScaledTanhGradY, kSmoothGradDy,
                                       kScaledTanhGradDx>}),
};

}  // namespace

extern const std::span<const OpDef> unary_ops;
constinit const std::span<const OpDef> unary_ops{kOps};

void expect_activation_output(const OpTypes& t, Activation a, int y, const Shape& x) {
  const bool activated = a != Activation::none;
  expect(t.has(y) == activated, t.op,
         activated ? "an activation's gradient needs its output y" : "y is for an activation");
  expect(!activated || t.shape(y) == x, t.op,
         fmt::format("y {} should be {}", to_string(t.shape(y)), to_string(x)));
}

}  // namespace cairn
