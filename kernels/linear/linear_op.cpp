#include <algorithm>

#include <fmt/format.h>

#include "core/autodiff.h"
#include "kernels/bias/bias.h"
#include "kernels/linear/linear.h"
#include "kernels/unary/unary.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) {
  const Shape &x = t.shape(0), &w = t.shape(1);
  expect(x.rank() == 1, t.op,
         fmt::format("x of one example has shape {}, rank 1 is needed: flatten it first",
                     to_string(x)));
  expect(w.rank() == 2 && w[1] == x[0], t.op,
         fmt::format("w {} doesn't fit x with {} features", to_string(w), x[0]));
  expect(!t.has(2) || t.shape(2) == Shape{w[0]}, t.op,
         fmt::format("b {} must be ({})", to_string(t.shape(2)), w[0]));
  t.set_out(0, {w[0]});
}

void infer_dx(const OpTypes& t) {
  const Shape &dy = t.shape(0), &w = t.shape(1);
  expect(dy.rank() == 1 && w.rank() == 2 && w[0] == dy[0], t.op,
         fmt::format("w {} doesn't fit dy {}", to_string(w), to_string(dy)));
  const Shape dx{w[1]};
  expect_activation_output(t, static_cast<Activation>(t.attrs.integer(linear_attr::activation)), 2,
                           dx);
  t.set_out(0, dx);
}

void infer_dw(const OpTypes& t) {
  const Shape &x = t.shape(0), &dy = t.shape(1);
  expect(x.rank() == 1 && dy.rank() == 1, t.op,
         fmt::format("x {} and dy {} must be vectors", to_string(x), to_string(dy)));
  t.set_out(0, {dy[0], x[0]});
  t.set_out(1, {t.attrs.flag(linear_dw_attr::bias) ? dy[0] : 0});
}

/// One multiplication and one addition a weight and example.
Cost product_cost(const OpTypes& t, double weights) {
  Cost cost = stream_cost(t, 0);
  cost.flops = 2 * weights * static_cast<double>(t.n);
  return cost;
}
Cost cost(const OpTypes& t) { return product_cost(t, t.in_elements(1)); }
/// dw and db are read and written.
Cost cost_dw(const OpTypes& t) {
  Cost cost = product_cost(t, t.out_elements(0));
  cost.bytes += (t.out_elements(0) + t.out_elements(1)) * sizeof(float);
  return cost;
}

void gradient(GradientRule& rule) {
  const auto act = static_cast<Activation>(rule.attrs().integer(linear_attr::activation));
  Value dz = rule.dout(0);
  if (act != Activation::none)
    dz = rule.emit(fmt::format("{}_grad", kActivations[static_cast<size_t>(act)]),
                   {rule.out(0), dz});
  if (rule.wants(0)) rule.set(0, rule.emit("linear_dx", {dz, rule.in(1)}));
  if (rule.wants(1)) rule.set(1, rule.emit("linear_dw", {rule.in(0), dz}));
  if (rule.wants(2)) rule.set(2, rule.emit("bias_grad", {dz}));
}

/// A copy of dy, then the sums for the bias.
int64_t workspace_dw(const OpTypes& t) {
  if (linear_is_small(t.out[0].shape.elements(), t.n)) return 0;
  return std::max(int64_t{sizeof(float)} * t.shape(1)[0] * t.n,
                  bias_grad_workspace(t.shape(1), t.n));
}

constexpr InputDef kInputs[] = {{"x"}, {"w", Layout::plain}, {"b", Layout::plain, Use::optional}};
constexpr OutputDef kOutputs[] = {{"y"}};
constexpr AttrDef kAttrs[] = {
    {.name = "activation", .type = AttrType::choice, .max = 4, .choices = kActivations}};
constexpr InputDef kDxInputs[] = {
    {"dy"}, {"w", Layout::plain}, {"y", Layout::batched, Use::optional}};
constexpr auto kDxFusions = activation_grad_fusions(2);
constexpr OutputDef kDxOutputs[] = {{"dx"}};
constexpr InputDef kDwInputs[] = {{"x"}, {"dy"}};
constexpr OutputDef kDwOutputs[] = {{"dw", Layout::plain, true}, kBiasOutput};
constexpr AttrDef kDwAttrs[] = {kBiasFlag};

// Golden values: tests/oracle/linear_conv2d.py; kTanhDx is kDx (1 - y^2).
constexpr double kX[] = {-1, 0.25, -1.25, 0, 1.25, -0.25};
constexpr double kW[] = {-0.25, -0.75, 1, 0.5, 0, -0.5};
constexpr double kB[] = {-0.25, 0.5};
constexpr double kY[] = {-1.4375, 0.625, -1.4375, 0.625};
constexpr double kTanhY[] = {-0.8931933404, 0.554599722349, -0.8931933404, 0.554599722349};
constexpr double kDy[] = {-0.25, 0.5, -0.5, 0.25};
constexpr double kDx[] = {0.3125, 0.1875, -0.5, 0.25, 0.375, -0.625};
constexpr double kDxY[] = {0.5, -0.25, 0.75, -0.5, 0.125, 0};
constexpr double kTanhDx[] = {0.234375, 0.17578125, -0.21875, 0.1875, 0.369140625, -0.625};
constexpr double kDw[] = {0.25, -0.6875, 0.4375, -0.5, 0.4375, -0.6875};
constexpr double kDb[] = {-0.75, 0.75};

constexpr CaseInput kGoldenX{.shape = {3}, .values = kX}, kGoldenW{.shape = {2, 3}, .values = kW},
    kGoldenB{.shape = {2}, .values = kB}, kGoldenDy{.shape = {2}, .values = kDy},
    kGoldenDxY{.shape = {3}, .values = kDxY};

constexpr Case kCases[] = {
    {.name = "golden", .inputs = {kGoldenX, kGoldenW, kGoldenB}, .expect = {kY}},
    {.name = "golden_tanh",
     .attrs = "activation=tanh",
     .inputs = {kGoldenX, kGoldenW, kGoldenB},
     .expect = {kTanhY}},
    {.name = "no_bias", .n = 17, .inputs = {{{.shape = {31}}, {.shape = {5, 31}}}}},
    {.name = "tanh_alone",
     .attrs = "activation=tanh",
     .n = 2,
     .inputs = {{{.shape = {3}}, {.shape = {5, 3}}}}},
    {.name = "one_by_one", .n = 1, .inputs = {{{.shape = {1}}, {.shape = {1, 1}}, {.shape = {1}}}}},
    {.name = "fc1",
     .n = 33,
     .inputs = {{{.shape = {400}}, {.shape = {120, 400}}, {.shape = {120}}}},
     .bench = true},
    {.name = "sigmoid",
     .attrs = "activation=sigmoid",
     .n = 2,
     .inputs = {{{.shape = {13}}, {.shape = {19, 13}}, {.shape = {19}}}}},
    {.name = "wide",  // more weights than slices share
     .attrs = "activation=tanh",
     .n = 70,
     .inputs = {{{.shape = {530}}, {.shape = {510, 530}}, {.shape = {510}}}}},
    {.name = "deep",
     .attrs = "activation=relu",
     .n = 33,
     .inputs = {{{.shape = {1000}}, {.shape = {9, 1000}}, {.shape = {9}}}}},
    {.name = "deeper",
     .n = 2,
     .inputs = {{{.shape = {1030}}, {.shape = {3, 1030}}, {.shape = {3}}}}},
    {.name = "scaled_tanh",
     .attrs = "activation=scaled_tanh",
     .n = 17,
     .inputs = {{{.shape = {13}}, {.shape = {19, 13}}, {.shape = {19}}}}},
    {.name = "not_flat",
     .inputs = {{{.shape = {2, 3}}, {.shape = {4, 6}}}},
     .error = "flatten it first"},
    {.name = "wrong_width",
     .inputs = {{{.shape = {5}}, {.shape = {4, 6}}}},
     .error = "doesn't fit x with 5 features"},
    {.name = "wrong_bias",
     .inputs = {{{.shape = {6}}, {.shape = {4, 6}}, {.shape = {3}}}},
     .error = "must be (4)"},
};
constexpr Case kDxCases[] = {
    {.name = "golden", .inputs = {kGoldenDy, kGoldenW}, .expect = {kDx}},
    {.name = "odd", .n = 17, .inputs = {{{.shape = {11}}, {.shape = {11, 37}}}}},
    {.name = "fc1", .n = 33, .inputs = {{{.shape = {120}}, {.shape = {120, 400}}}}, .bench = true},
    {.name = "golden_tanh",
     .attrs = "activation=tanh",
     .inputs = {kGoldenDy, kGoldenW, kGoldenDxY},
     .expect = {kTanhDx}},
    {.name = "sigmoid",
     .attrs = "activation=sigmoid",
     .n = 33,
     .inputs = {{{.shape = {19}}, {.shape = {19, 110}}, {.shape = {110}, .fill = Fill::unit}}}},
    {.name = "wide",
     .attrs = "activation=tanh",
     .n = 70,
     .inputs = {{{.shape = {510}}, {.shape = {510, 530}}, {.shape = {530}, .fill = Fill::unit}}}},
    {.name = "deep",
     .attrs = "activation=tanh",
     .n = 33,
     .inputs = {{{.shape = {300}}, {.shape = {300, 9}}, {.shape = {9}, .fill = Fill::unit}}}},
    {.name = "y_missing",
     .attrs = "activation=relu",
     .inputs = {{{.shape = {4}}, {.shape = {4, 6}}}},
     .error = "needs its output y"},
    {.name = "wrong_y",
     .attrs = "activation=relu",
     .inputs = {{{.shape = {4}}, {.shape = {4, 6}}, {.shape = {4}}}},
     .error = "y (4) should be (6)"},
    {.name = "wrong_width",
     .inputs = {{{.shape = {5}}, {.shape = {4, 6}}}},
     .error = "w (4, 6) doesn't fit dy (5)"},
    {.name = "not_flat",
     .inputs = {{{.shape = {4, 1}}, {.shape = {4, 6}}}},
     .error = "w (4, 6) doesn't fit dy (4, 1)"},
    {.name = "w_vector",
     .inputs = {{{.shape = {4}}, {.shape = {4}}}},
     .error = "w (4) doesn't fit dy (4)"},
};
constexpr Case kDwCases[] = {
    {.name = "golden", .inputs = {kGoldenX, kGoldenDy}, .expect = {kDw}},
    {.name = "odd", .n = 17, .inputs = {{{.shape = {37}}, {.shape = {11}}}}},
    {.name = "golden_bias",
     .attrs = "bias=1",
     .inputs = {kGoldenX, kGoldenDy},
     .expect = {kDw, kDb}},
    {.name = "whole_tiles", .n = 128, .inputs = {{{.shape = {32}}, {.shape = {8}}}}},
    {.name = "bias_beside_tiles",
     .attrs = "bias=1",
     .n = 150,
     .inputs = {{{.shape = {32}}, {.shape = {9}}}}},
    {.name = "wide", .attrs = "bias=1", .n = 150, .inputs = {{{.shape = {530}}, {.shape = {510}}}}},
    {.name = "many_examples", .n = 1030, .inputs = {{{.shape = {3}}, {.shape = {2}}}}},
    {.name = "fc1", .n = 33, .inputs = {{{.shape = {400}}, {.shape = {120}}}}, .bench = true},
    {.name = "not_flat",
     .inputs = {{{.shape = {5, 1}}, {.shape = {4}}}},
     .error = "x (5, 1) and dy (4) must be vectors"},
    {.name = "dy_not_flat",
     .inputs = {{{.shape = {5}}, {.shape = {2, 2}}}},
     .error = "x (5) and dy (2, 2) must be vectors"},
    {.name = "bias_of_matrix",
     .attrs = "bias=1",
     .inputs = {{{.shape = {5}}, {.shape = {2, 2}}}},
     .error = "x (5) and dy (2, 2) must be vectors"},
    {.name = "two_biases",
     .attrs = "bias=2",
     .inputs = {{{.shape = {5}}, {.shape = {4}}}},
     .error = "bias=2 is out of range"},
    {.name = "attribute",
     .attrs = "activation=relu",
     .inputs = {{{.shape = {5}}, {.shape = {4}}}},
     .error = "has no attribute 'activation'"},
};

constexpr OpDef kOps[] = {
    checked({.name = "linear",
             .inputs = kInputs,
             .outputs = kOutputs,
             .attrs = kAttrs,
             .scope = Scope::per_example,
             .infer = infer,
             .workspace = no_workspace,
             .reference = {linear_ref<float>, linear_ref<double>},
             .cpu = linear_cpu,
             .cuda = cuda_twin(linear_cuda),
             .gradient = gradient,
             .cost = cost,
             .fusions = kActivationFusions,
             .factors = 2,
             .cases = kCases,
             .shares_weights = true}),
    checked({.name = "linear_dx",
             .inputs = kDxInputs,
             .outputs = kDxOutputs,
             .attrs = kAttrs,
             .scope = Scope::per_example,
             .infer = infer_dx,
             .workspace = no_workspace,
             .reference = {linear_dx_ref<float>, linear_dx_ref<double>},
             .cpu = linear_dx_cpu,
             .cuda = cuda_twin(linear_dx_cuda),
             .gradient = not_differentiable,
             .cost = cost,
             .fusions = std::span<const FusionRule>(kDxFusions),
             .factors = 2,
             .cases = kDxCases,
             .shares_weights = true}),
    checked({.name = "linear_dw",
             .inputs = kDwInputs,
             .outputs = kDwOutputs,
             .attrs = kDwAttrs,
             .scope = Scope::sums_over_batch,
             .infer = infer_dw,
             .workspace = workspace_dw,
             .reference = {linear_dw_ref<float>, linear_dw_ref<double>},
             .cpu = linear_dw_cpu,
             .cuda = cuda_twin(linear_dw_cuda),
             .gradient = not_differentiable,
             .cost = cost_dw,
             .fusions = none,
             .companions = kBiasCompanion,
             .factors = 2,
             .cases = kDwCases,
             .shares_weights = true}),
};

}  // namespace

extern const std::span<const OpDef> linear_ops;
constinit const std::span<const OpDef> linear_ops{kOps};

}  // namespace cairn
