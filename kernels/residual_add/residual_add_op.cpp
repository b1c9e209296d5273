#include "kernels/residual_add/residual_add.h"

#include <limits>

#include <fmt/format.h>

#include "core/autodiff.h"
#include "kernels/unary/unary.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) {
  expect(t.in[0] == t.in[1], t.op,
         fmt::format("a is {}, but b is {}", to_string(t.in[0]), to_string(t.in[1])));
  t.set_out(0, t.shape(0));
}

void gradient(GradientRule& rule) {
  const auto act = static_cast<Activation>(rule.attrs().integer(0));
  Value dz = rule.dout(0);
  if (act == Activation::relu) dz = rule.emit("relu_grad", {rule.out(0), dz});
  rule.set(0, dz);
  rule.set(1, dz);
}

Cost cost(const OpTypes& t) { return stream_cost(t, 1 + t.attrs.real(0)); }

constexpr InputDef kInputs[] = {{"a", Layout::any}, {"b", Layout::any}};
constexpr OutputDef kOutputs[] = {{"y", Layout::any}};
constexpr AttrDef kAttrs[] = {{.name = "activation",
                               .type = AttrType::choice,
                               .max = 1,
                               .choices = std::span(kActivations).first(2)}};

// Golden values: tests/oracle/residual_add.py.
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kA[] = {1.5, -2, 0.25, 8, -0.5, 3};
constexpr double kB[] = {-0.5, 4, -0.125, -8.5, 0.25, 1};
constexpr double kY[] = {1, 2, 0.125, -0.5, -0.25, 4};
constexpr double kReluY[] = {1, 2, 0.125, 0, 0, 4};
constexpr double kSpecialA[] = {kNan, 1, kInf, kInf, -kInf, -0.0, 1e-40, 3e38};
constexpr double kSpecialB[] = {1, kNan, -kInf, 1, 1, -0.0, -3e-40, 3e37};
constexpr double kSpecialY[] = {kNan, kNan, kNan, kInf, -kInf, -0.0, -2e-40, 3.3e38};
constexpr double kSpecialReluY[] = {kNan, kNan, kNan, kInf, 0, 0, 0, 3.3e38};

constexpr CaseInput kGoldenA{.shape = {3}, .values = kA}, kGoldenB{.shape = {3}, .values = kB};
constexpr CaseInput kSpecial[] = {{.shape = {4}, .values = kSpecialA},
                                  {.shape = {4}, .values = kSpecialB}};
constexpr CaseInput kBlock{.shape = {16, 32, 32}}, kPlanes{.shape = {3, 5, 7}};
constexpr std::string_view kRelu = "activation=relu";

constexpr Case kCases[] = {
    {.name = "golden", .inputs = {kGoldenA, kGoldenB}, .expect = {kY}},
    {.name = "golden_relu", .attrs = kRelu, .inputs = {kGoldenA, kGoldenB}, .expect = {kReluY}},
    {.name = "special", .inputs = {kSpecial[0], kSpecial[1]}, .expect = {kSpecialY}},
    {.name = "special_relu",
     .attrs = kRelu,
     .inputs = {kSpecial[0], kSpecial[1]},
     .expect = {kSpecialReluY}},
    {.name = "single", .attrs = kRelu, .n = 1, .inputs = {{{.shape = {7}}, {.shape = {7}}}}},
    {.name = "planes", .n = 17, .inputs = {kPlanes, kPlanes}},
    {.name = "scalar", .attrs = kRelu, .n = 2, .inputs = {{{.shape = {}}, {.shape = {}}}}},
    {.name = "resnet_block", .n = 9, .inputs = {kBlock, kBlock}, .bench = true},
    {.name = "resnet_block_relu",
     .attrs = kRelu,
     .n = 9,
     .inputs = {kBlock, kBlock},
     .bench = true},
    {.name = "wrong_size",
     .inputs = {{{.shape = {3, 4}}, {.shape = {3, 5}}}},
     .error = "a is float32 (N, 3, 4), but b is float32 (N, 3, 5)"},
    {.name = "no_broadcast",
     .inputs = {{{.shape = {3, 4}}, {.shape = {4}}}},
     .error = "but b is float32 (N, 4)"},
    {.name = "tanh",
     .attrs = "activation=tanh",
     .inputs = {kGoldenA, kGoldenB},
     .error = "activation=tanh is none of none, relu"},
};

constexpr OpDef kOps[] = {
    checked({.name = "residual_add",
             .inputs = kInputs,
             .outputs = kOutputs,
             .attrs = kAttrs,
             .scope = Scope::per_example,
             .infer = infer,
             .workspace = no_workspace,
             .reference = {residual_add_ref<float>, residual_add_ref<double>},
             .cpu = residual_add_cpu,
             .cuda = cuda_twin(residual_add_cuda),
             .gradient = gradient,
             .cost = cost,
             .fusions = std::span(kActivationFusions).first(1),
             .cases = kCases,
             .bit_exact = true}),
};

}  // namespace

extern const std::span<const OpDef> residual_add_ops;
constinit const std::span<const OpDef> residual_add_ops{kOps};

}  // namespace cairn
