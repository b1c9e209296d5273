#include "kernels/local_response_norm/local_response_norm.h"

#include <fmt/format.h>

#include "core/autodiff.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) {
  expect(t.shape(0).rank() >= 1, t.op, "x of one example is a scalar, but needs channels");
  for (int i = 0; i <= 1; ++i) t.set_out(i, t.shape(0));
}

void infer_grad(const OpTypes& t) {
  constexpr const char* kNames[] = {"dy", "x", "y", "scale"};
  expect(t.shape(1).rank() >= 1, t.op, "x of one example is a scalar, but needs channels");
  for (const int i : {0, 2, 3})
    expect(t.shape(i) == t.shape(1), t.op,
           fmt::format("{} is {}, but x is {}", kNames[i], to_string(t.in[static_cast<size_t>(i)]),
                       to_string(t.in[1])));
  t.set_out(0, t.shape(1));
}

/// `each` operations for each channel of a window, and 34 for the power and what uses it.
Cost window_cost(const OpTypes& t, double each) {
  return stream_cost(t, each * t.attrs.real(response_attr::size) + 34);
}
Cost cost(const OpTypes& t) { return window_cost(t, 2); }
Cost cost_grad(const OpTypes& t) { return window_cost(t, 3); }

void gradient(GradientRule& rule) {
  if (rule.dout(1)) not_differentiable(rule);
  rule.set(0, rule.emit("local_response_norm_grad",
                        {rule.dout(0), rule.in(0), rule.out(0), rule.out(1)}, rule.attrs()));
}

constexpr InputDef kInputs[] = {{"x"}};
constexpr OutputDef kOutputs[] = {{"y"}, {"scale"}};
constexpr InputDef kGradInputs[] = {{"dy"}, {"x"}, {"y"}, {"scale"}};
constexpr OutputDef kGradOutputs[] = {{"dx"}};
constexpr double kLeast = 1e-30, kMost = 1e30;
constexpr AttrDef kAttrs[] = {
    {.name = "size", .initial = 5, .min = 1, .max = 1 << 24},
    {.name = "alpha", .type = AttrType::real, .initial = 1e-4, .min = 0, .max = kMost},
    {.name = "beta", .type = AttrType::real, .initial = 0.75, .min = 0, .max = 100},
    {.name = "k", .type = AttrType::real, .initial = 1, .min = kLeast, .max = kMost}};

// Golden values: tests/oracle/local_response_norm.py.
constexpr double kX[] = {1.5, -2, 0.25, 8, -0.5, 3, 1, 0.5, -4, 2.5, 0.75, -1, 0, 2, -3, 0.125};
constexpr double kDy[] = {0.5, -1, 0.25,  2,    -0.75, 1,   -0.5,  0.25,
                          3,   -2, 0.125, -1.5, 1,     0.5, -0.25, 2};
constexpr double kThreeY[] = {1.17464315728407,
                              -0.303892263302042,
                              0.191471001143131,
                              1.11530809792723,
                              -0.431056335735336,
                              0.432997350914431,
                              0.867680690812809,
                              0.248388256669268,
                              -1.48126586437585,
                              1.38003956558381,
                              0.277737349570472,
                              -0.452920119502647,
                              0,
                              1.26805057756809,
                              -1.50892011561952,
                              0.0851167257910263};
constexpr double kThreeDx[] = {
    0.219995070270211,   -0.0590014932527962, 0.146299803169743,   -0.158515796757442,
    -0.654113564017282,  -0.0195148965820293, -0.410396633286908,  0.117042407631295,
    -0.0615484431181101, -0.470568524697953,  0.266132903524245,   -0.846430071888887,
    0.489276001372499,   -0.0248015102386613, -0.0125743342968293, 1.34788879515781};
constexpr double kThreeScale[] = {1.38541666666667, 12.3333333333333, 1.42708333333333,
                                  13.8333333333333, 1.21875,          13.2083333333333,
                                  1.20833333333333, 2.54166666666667, 3.76041666666667,
                                  2.20833333333333, 3.76041666666667, 2.875,
                                  2.59375,          1.8359375,        2.5,
                                  1.66927083333333};
constexpr double kFourY[] = {0.934198732993827,
                             -0.458831467741123,
                             0.153846153846154,
                             1.73544366254925,
                             -0.294085848837523,
                             0.649836433288659,
                             0.397523195999963,
                             0.10690449676497,
                             -1.57461706017639,
                             1.01015254455221,
                             0.296680905860489,
                             -0.452910813657838,
                             0,
                             0.911314834897878,
                             -1.43171996705254,
                             0.0692958928675237};
constexpr double kFourDx[] = {
    0.209382099735748,  -0.120427854980475, 0.138806318369121,   -0.004534131277662,
    -0.525199514881342, 0.317710066924934,  -0.0284295480405961, 0.0732992397178527,
    0.423331239920694,  -0.74895858630003,  0.170328235160095,   -0.692688933254975,
    0.345225481601682,  0.0895512698442167, -0.0581689310457291, 1.10444685762015};
constexpr double kFourScale[] = {2.578125, 19,         2.640625, 21.25,     2.890625, 21.3125,
                                 6.328125, 21.875,     6.453125, 6.125,     6.390625, 4.875,
                                 8.390625, 4.81640625, 4.390625, 3.25390625};
constexpr double kWideY[] = {1.35629423555441,
                             -1.25947521865889,
                             0.239326998270877,
                             1.72154019110316,
                             -0.452098078518135,
                             1.88921282798834,
                             0.957307993083506,
                             0.107596261943947,
                             -2.30413927662787,
                             1.71682549591635,
                             0.526748971193416,
                             -0.959127009340016,
                             0,
                             1.37346039673308,
                             -2.10699588477366,
                             0.119890876167502};
constexpr double kWideDx[] = {
    0.333202155271483,  -0.244183970964479, 0.247802321987046,  -0.400333223990946,
    -0.638515143361652, 0.0514071517819956, -0.444752701677076, 0.00187823898655269,
    0.132931112113146,  -0.928013781576406, 0.0585276634659351, -1.30265561526024,
    0.576034819156969,  0.69972239130861,   -0.058527663465935, 1.90124965633631};
constexpr double kWideScale[] = {
    1.06944444444444, 1.36111111111111, 1.02951388888889, 2.78472222222222,
    1.06944444444444, 1.36111111111111, 1.02951388888889, 2.78472222222222,
    1.44444444444444, 1.28472222222222, 1.265625,         1.02821180555556,
    1.44444444444444, 1.28472222222222, 1.265625,         1.02821180555556};

constexpr std::string_view kThree = "size=3 alpha=0.5", kFour = "size=4 alpha=1 beta=0.5 k=2",
                           kWide = "size=9 alpha=0.25 beta=1.5", kStrong = "alpha=0.5";

constexpr CaseInput normal(const Shape& shape) { return {.shape = shape}; }
constexpr CaseInput positive(const Shape& shape) {
  return {.shape = shape, .fill = Fill::positive};
}
constexpr CaseInput given(const Shape& shape, std::span<const double> values) {
  return {.shape = shape, .values = values};
}
constexpr Case gradient_case(std::string_view name, std::string_view attrs, int64_t n,
                             const Shape& shape, bool bench = false) {
  return {.name = name,
          .attrs = attrs,
          .n = n,
          .inputs = {normal(shape), normal(shape), normal(shape), positive(shape)},
          .bench = bench};
}

constexpr Case kCases[] = {
    {.name = "golden_three",
     .attrs = kThree,
     .inputs = {given({4, 2}, kX)},
     .expect = {kThreeY, kThreeScale}},
    {.name = "golden_four",
     .attrs = kFour,
     .n = 1,
     .inputs = {given({8, 2}, kX)},
     .expect = {kFourY, kFourScale}},
    {.name = "golden_wide",
     .attrs = kWide,
     .inputs = {given({2, 2, 2}, kX)},
     .expect = {kWideY, kWideScale}},
    {.name = "planes", .attrs = kStrong, .n = 17, .inputs = {normal({6, 5, 7})}},
    {.name = "channels", .attrs = kThree, .n = 33, .inputs = {normal({31})}},
    {.name = "one_channel", .attrs = kFour, .n = 1, .inputs = {normal({1, 3})}},
    {.name = "alexnet",
     .attrs = "alpha=5e-4 k=2",
     .n = 9,
     .inputs = {normal({96, 13, 13})},
     .bench = true},
    {.name = "scalar", .inputs = {normal({})}, .error = "is a scalar, but needs channels"},
    {.name = "size", .attrs = "size=0", .inputs = {normal({3})}, .error = "size=0"},
    {.name = "k", .attrs = "k=0", .inputs = {normal({3})}, .error = "k=0"},
};
constexpr Case kGradCases[] = {
    {.name = "golden_three",
     .attrs = kThree,
     .inputs = {given({4, 2}, kDy), given({4, 2}, kX), given({4, 2}, kThreeY),
                given({4, 2}, kThreeScale)},
     .expect = {kThreeDx}},
    {.name = "golden_four",
     .attrs = kFour,
     .n = 1,
     .inputs = {given({8, 2}, kDy), given({8, 2}, kX), given({8, 2}, kFourY),
                given({8, 2}, kFourScale)},
     .expect = {kFourDx}},
    {.name = "golden_wide",
     .attrs = kWide,
     .inputs = {given({2, 2, 2}, kDy), given({2, 2, 2}, kX), given({2, 2, 2}, kWideY),
                given({2, 2, 2}, kWideScale)},
     .expect = {kWideDx}},
    gradient_case("planes", kStrong, 17, {6, 5, 7}),
    gradient_case("channels", kThree, 33, {31}),
    gradient_case("one_channel", kFour, 1, {1, 3}),
    gradient_case("alexnet", "alpha=5e-4 k=2", 9, {96, 13, 13}, true),
    {.name = "scalar",
     .inputs = {normal({}), normal({}), normal({}), normal({})},
     .error = "is a scalar, but needs channels"},
    {.name = "dy",
     .inputs = {normal({3}), normal({4}), normal({4}), normal({4})},
     .error = "dy is float32 (N, 3), but x is float32 (N, 4)"},
    {.name = "scale",
     .inputs = {normal({4}), normal({4}), normal({4}), normal({4, 1})},
     .error = "scale is float32 (N, 4, 1), but x is float32 (N, 4)"},
};

constexpr OpDef kOps[] = {
    checked({.name = "local_response_norm",
             .inputs = kInputs,
             .outputs = kOutputs,
             .attrs = kAttrs,
             .scope = Scope::per_example,
             .infer = infer,
             .workspace = no_workspace,
             .reference = {local_response_norm_ref<float>, local_response_norm_ref<double>},
             .cpu = local_response_norm_cpu,
             .cuda = cuda_twin(local_response_norm_cuda),
             .gradient = gradient,
             .cost = cost,
             .fusions = none,
             .cases = kCases}),
    checked(
        {.name = "local_response_norm_grad",
         .inputs = kGradInputs,
         .outputs = kGradOutputs,
         .attrs = kAttrs,
         .scope = Scope::per_example,
         .infer = infer_grad,
         .workspace = no_workspace,
         .reference = {local_response_norm_grad_ref<float>, local_response_norm_grad_ref<double>},
         .cpu = local_response_norm_grad_cpu,
         .cuda = cuda_twin(local_response_norm_grad_cuda),
         .gradient = not_differentiable,
         .cost = cost_grad,
         .fusions = none,
         .cases = kGradCases}),
};

}  // namespace

extern const std::span<const OpDef> local_response_norm_ops;
constinit const std::span<const OpDef> local_response_norm_ops{kOps};

}  // namespace cairn
