#include "kernels/activation/activation.h"

#include <limits>

#include <fmt/format.h>

#include "core/autodiff.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) { t.set_out(0, t.shape(0)); }

void infer_grad(const OpTypes& t) {
  expect(t.in[0] == t.in[1], t.op,
         fmt::format("x is {}, but dy is {}", to_string(t.in[0]), to_string(t.in[1])));
  t.set_out(0, t.shape(0));
}

void gradient(GradientRule& rule) {
  rule.set(0, rule.emit(fmt::format("{}_grad", rule.op_name()), {rule.in(0), rule.dout(0)},
                        rule.attrs()));
}

/// Of the fast versions: functions, then gradients.
template <int operations>
Cost cost(const OpTypes& t) {
  return stream_cost(t, operations);
}

constexpr InputDef kInputs[] = {{"x", Layout::any}};
constexpr OutputDef kOutputs[] = {{"y", Layout::any}};
constexpr InputDef kGradInputs[] = {{"x", Layout::any}, {"dy", Layout::any}};
constexpr OutputDef kGradOutputs[] = {{"dx", Layout::any}};

constexpr double kMost = 1e30;
constexpr std::string_view kApproximations[] = {"none", "tanh"};
constexpr AttrDef kLeakyReluAttrs[] = {{.name = "negative_slope",
                                        .type = AttrType::real,
                                        .initial = 0.01,
                                        .min = -kMost,
                                        .max = kMost}};
constexpr AttrDef kEluAttrs[] = {
    {.name = "alpha", .type = AttrType::real, .initial = 1, .min = -kMost, .max = kMost}};
constexpr AttrDef kGeluAttrs[] = {
    {.name = "approximate", .type = AttrType::choice, .max = 1, .choices = kApproximations}};
constexpr AttrDef kSoftplusAttrs[] = {
    {.name = "beta", .type = AttrType::real, .initial = 1, .min = 1 / kMost, .max = kMost},
    {.name = "threshold", .type = AttrType::real, .initial = 20, .min = -kMost, .max = kMost}};

// Golden values: tests/oracle/activation.py; those with an attribute set are called Set.
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kTiny = 1e-40, kLeast = std::numeric_limits<float>::denorm_min();  // denormal
constexpr double kX[] = {-3.5, -1.5, -0.25, 0.75, 3, 25};
constexpr double kDy[] = {0.5, -1, 2, 1.5, -0.25, 4};
constexpr double kSpecialX[] = {kNan,   kInf, -kInf, -0.0,  0,   kTiny,
                                -kTiny, 3e38, -3e38, 1e-30, 100, -100};
constexpr double kSpecialDy[] = {1, 2, 3, 4, -5, 6, 7, -8, 9, kInf, kNan, 3e38};
constexpr double kDenormalX[] = {kNan, kTiny, -kTiny, kLeast, -kLeast, -0.0};
constexpr double kLeakyReluY[] = {-0.035, -0.015, -0.0025, 0.75, 3, 25};
constexpr double kLeakyReluDx[] = {0.005, -0.01, 0.02, 1.5, -0.25, 4};
constexpr double kLeakyReluSpecialY[] = {kNan,   kInf,  -kInf,  -0.0,  0,   kTiny,
                                         -1e-42, 3e+38, -3e+36, 1e-30, 100, -1};
constexpr double kLeakyReluSpecialDx[] = {0.01, 2,  0.03, 0.04, -0.05, 6,
                                          0.07, -8, 0.09, kInf, kNan,  3e+36};
constexpr double kLeakyReluDenormalY[] = {kNan, kTiny, -1e-42, kLeast, -1.40129846432482e-47, -0.0};
constexpr double kLeakyReluSetY[] = {-0.7, -0.3, -0.05, 0.75, 3, 25};
constexpr double kLeakyReluSetDx[] = {0.1, -0.2, 0.4, 1.5, -0.25, 4};
constexpr double kEluY[] = {-0.969802616577682, -0.77686983985157, -0.221199216928595, 0.75, 3, 25};
constexpr double kEluDx[] = {
    0.0150986917111593, -0.22313016014843, 1.55760156614281, 1.5, -0.25, 4};
constexpr double kEluSpecialY[] = {kNan, kInf, -1, 0, 0, kTiny, 0, 3e+38, -1, 1e-30, 100, -1};
constexpr double kEluSpecialDx[] = {kNan, 2,  0, 4,    -5,   6,
                                    7,    -8, 0, kInf, kNan, 1.11602279280625e-05};
constexpr double kEluDenormalY[] = {kNan, kTiny, -kTiny, kLeast, -kLeast, -0.0};
constexpr double kEluSetY[] = {
    -1.45470392486652, -1.16530475977736, -0.331798825392893, 0.75, 3, 25};
constexpr double kEluSetDx[] = {
    0.0226480375667389, -0.334695240222645, 2.33640234921421, 1.5, -0.25, 4};
constexpr double kGeluY[] = {-0.00081420177662439, -0.100210801903287, -0.100323418579269,
                             0.580029485717349,    2.99595030590511,   25};
constexpr double kGeluDx[] = {-0.00141088017681231, 0.12746919222998,   0.609253290232728,
                              1.49883858260885,     -0.252986411801046, 4};
constexpr double kGeluSpecialY[] = {kNan,   kInf,  kNan, -0.0,  0,   5e-41,
                                    -5e-41, 3e+38, -0.0, 5e-31, 100, -0.0};
constexpr double kGeluSpecialDx[] = {kNan, kNan, kNan, 2, -2.5, 3, 3.5, -8, 0, kInf, kNan, 0};
constexpr double kGeluDenormalY[] = {
    kNan, 5e-41, -5e-41, 7.00649232162409e-46, -7.00649232162409e-46, -0.0};
constexpr double kGeluSetY[] = {-0.00061619765537374, -0.100428423019767, -0.100324649298315,
                                0.57996055516562,     2.99636260791823,   25};
constexpr double kGeluSetDx[] = {-0.00121132188005837, 0.127710793151433,  0.609291809697879,
                                 1.49840738420612,     -0.252896041657742, 4};
constexpr double kSoftplusY[] = {0.0297504182726206, 0.201413277982752, 0.575939419878844,
                                 1.1368710061149,    3.04858735157374,  25};
constexpr double kSoftplusDx[] = {0.0146561153756782, -0.182425523806356, 0.875646998228404,
                                  1.01876804876309,   -0.238143531705608, 4};
constexpr double kSoftplusSpecialY[] = {kNan,
                                        kInf,
                                        0,
                                        0.693147180559945,
                                        0.693147180559945,
                                        0.693147180559945,
                                        0.693147180559945,
                                        3e+38,
                                        0,
                                        0.693147180559945,
                                        100,
                                        3.72007597602084e-44};
constexpr double kSoftplusSpecialDx[] = {kNan, 2,  0, 2,    -2.5, 3,
                                         3.5,  -8, 0, kInf, kNan, 1.11602279280625e-05};
constexpr double kSoftplusDenormalY[] = {kNan,
                                         0.693147180559945,
                                         0.693147180559945,
                                         0.693147180559945,
                                         0.693147180559945,
                                         0.693147180559945};
constexpr double kSoftplusSetY[] = {
    0.000455733226887122, 0.024293675786871, 0.237038492090053, 0.850706638991376, 3, 25};
constexpr double kSoftplusSetDx[] = {
    0.000455525597200323, -0.0474258731775668, 0.755081337596291, 1.22636171429047, -0.25, 4};

/// Two examples.
constexpr Case golden(std::string_view name, std::string_view attrs, std::span<const double> x,
                      std::span<const double> y) {
  const auto half = static_cast<int64_t>(x.size() / 2);
  return {
      .name = name, .attrs = attrs, .inputs = {{{.shape = {half}, .values = x}}}, .expect = {y}};
}
constexpr Case golden(std::string_view name, std::string_view attrs, std::span<const double> x,
                      std::span<const double> dy, std::span<const double> dx) {
  const auto half = static_cast<int64_t>(x.size() / 2);
  return {.name = name,
          .attrs = attrs,
          .inputs = {{{.shape = {half}, .values = x}, {.shape = {half}, .values = dy}}},
          .expect = {dx}};
}
/// Random numbers; gradients take the second input.
constexpr Case made(std::string_view name, std::string_view attrs, int64_t n, const Shape& shape,
                    bool bench = false) {
  return {.name = name,
          .attrs = attrs,
          .n = n,
          .inputs = {{{.shape = shape, .fill = Fill::spread}, {.shape = shape}}},
          .bench = bench};
}
constexpr Case refused(std::string_view attrs, std::string_view error) {
  return {
      .name = attrs, .attrs = attrs, .inputs = {{{.shape = {3}}, {.shape = {3}}}}, .error = error};
}

/// An attribute's text, and texts that are refused with their errors.
struct Texts {
  std::string_view set, bad, error;
};
constexpr Texts kLeakyReluTexts{"negative_slope=0.2", "negative_slope=steep", "is no number"};
constexpr Texts kEluTexts{"alpha=1.5", "alpha=1e31", "is out of range"};
constexpr Texts kGeluTexts{"approximate=tanh", "approximate=erf", "is none of none, tanh"};
constexpr Texts kSoftplusTexts{"beta=2 threshold=3", "beta=0", "is out of range"};

template <const Texts& texts, const auto& y, const auto& set_y, const auto& special_y,
          const auto& denormal_y>
constexpr Case kCases[] = {
    golden("golden", "", kX, y),
    golden("golden_set", texts.set, kX, set_y),
    golden("special", "", kSpecialX, special_y),
    golden("denormal", "", kDenormalX, denormal_y),
    made("single", texts.set, 1, {7}),
    made("planes", "", 17, {3, 5, 7}),
    made("scalar", "", 2, {}),
    made("lenet_c1", "", 33, {6, 28, 28}, true),
    refused(texts.bad, texts.error),
    refused("slope=0.1", "has no attribute 'slope'"),
    refused("inplace", "'inplace' is no attribute"),
};

template <const Texts& texts, const auto& dx, const auto& set_dx, const auto& special_dx>
constexpr Case kGradCases[] = {
    golden("golden", "", kX, kDy, dx),
    golden("golden_set", texts.set, kX, kDy, set_dx),
    golden("special", "", kSpecialX, kSpecialDy, special_dx),
    made("single", texts.set, 1, {7}),
    made("planes", "", 17, {3, 5, 7}),
    made("lenet_c1", "", 33, {6, 28, 28}, true),
    {.name = "wrong_size",
     .inputs = {{{.shape = {3, 4}}, {.shape = {3, 5}}}},
     .error = "x is float32 (N, 3, 4), but dy is float32 (N, 3, 5)"},
    refused(texts.bad, texts.error),
    refused("slope=0.1", "has no attribute 'slope'"),
};

template <template <class> class F>
constexpr Reference kReference{activation_ref<F<float>>, activation_ref<F<double>>};
template <template <class> class F>
constexpr Reference kGradReference{activation_grad_ref<F<float>>, activation_grad_ref<F<double>>};

template <template <class> class F>
consteval OpDef function(OpDef op) {
  op.inputs = kInputs, op.outputs = kOutputs;
  op.scope = Scope::per_example;
  op.infer = infer, op.workspace = no_workspace;
  op.cuda = cuda_twin(activation_cuda<F<float>>);
  op.gradient = gradient;
  op.fusions = none;
  return checked(op);
}

template <template <class> class F>
consteval OpDef function_grad(OpDef op) {
  op.inputs = kGradInputs, op.outputs = kGradOutputs;
  op.scope = Scope::per_example;
  op.infer = infer_grad, op.workspace = no_workspace;
  op.cuda = cuda_twin(activation_grad_cuda<F<float>>);
  op.gradient = not_differentiable;
  op.fusions = none;
  return checked(op);
}

constexpr OpDef kOps[] = {
    function<LeakyReluFunction>({.name = "leaky_relu",
                                 .attrs = kLeakyReluAttrs,
                                 .reference = kReference<LeakyReluFunction>,
                                 .cpu = leaky_relu_cpu,
                                 .cost = cost<2>,
                                 .cases = kCases<kLeakyReluTexts, kLeakyReluY, kLeakyReluSetY,
                                                 kLeakyReluSpecialY, kLeakyReluDenormalY>,
                                 .bit_exact = true}),
    function<EluFunction>(
        {.name = "elu",
         .attrs = kEluAttrs,
         .reference = kReference<EluFunction>,
         .cpu = elu_cpu,
         .cost = cost<21>,
         .cases = kCases<kEluTexts, kEluY, kEluSetY, kEluSpecialY, kEluDenormalY>}),
    function<GeluFunction>(
        {.name = "gelu",
         .attrs = kGeluAttrs,
         .reference = kReference<GeluFunction>,
         .cpu = gelu_cpu,
         .cost = cost<52>,
         .cases = kCases<kGeluTexts, kGeluY, kGeluSetY, kGeluSpecialY, kGeluDenormalY>}),
    function<SoftplusFunction>({.name = "softplus",
                                .attrs = kSoftplusAttrs,
                                .reference = kReference<SoftplusFunction>,
                                .cpu = softplus_cpu,
                                .cost = cost<45>,
                                .cases = kCases<kSoftplusTexts, kSoftplusY, kSoftplusSetY,
                                                kSoftplusSpecialY, kSoftplusDenormalY>}),
    function_grad<LeakyReluFunction>(
        {.name = "leaky_relu_grad",
         .attrs = kLeakyReluAttrs,
         .reference = kGradReference<LeakyReluFunction>,
         .cpu = leaky_relu_grad_cpu,
         .cost = cost<2>,
         .cases = kGradCases<kLeakyReluTexts, kLeakyReluDx, kLeakyReluSetDx, kLeakyReluSpecialDx>,
         .bit_exact = true}),
    function_grad<EluFunction>({.name = "elu_grad",
                                .attrs = kEluAttrs,
                                .reference = kGradReference<EluFunction>,
                                .cpu = elu_grad_cpu,
                                .cost = cost<20>,
                                .cases = kGradCases<kEluTexts, kEluDx, kEluSetDx, kEluSpecialDx>}),
    function_grad<GeluFunction>(
        {.name = "gelu_grad",
         .attrs = kGeluAttrs,
         .reference = kGradReference<GeluFunction>,
         .cpu = gelu_grad_cpu,
         .cost = cost<52>,
         .cases = kGradCases<kGeluTexts, kGeluDx, kGeluSetDx, kGeluSpecialDx>}),
    function_grad<SoftplusFunction>(
        {.name = "softplus_grad",
         .attrs = kSoftplusAttrs,
         .reference = kGradReference<SoftplusFunction>,
         .cpu = softplus_grad_cpu,
         .cost = cost<23>,
         .cases = kGradCases<kSoftplusTexts, kSoftplusDx, kSoftplusSetDx, kSoftplusSpecialDx>}),
};

}  // namespace

extern const std::span<const OpDef> activation_ops;
constinit const std::span<const OpDef> activation_ops{kOps};

}  // namespace cairn
