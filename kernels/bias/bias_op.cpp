#include "kernels/bias/bias.h"

#include <fmt/format.h>

#include "core/autodiff.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) {
  const Shape &x = t.shape(0), &b = t.shape(1);
  expect(x.rank() >= 1, t.op, "x of one example is a scalar, but needs channels");
  expect(b == Shape{x[0]}, t.op, fmt::format("b {} must be ({})", to_string(b), x[0]));
  t.set_out(0, x);
}

void infer_grad(const OpTypes& t) {
  expect(t.shape(0).rank() >= 1, t.op, "dy of one example is a scalar, but needs channels");
  t.set_out(0, {t.shape(0)[0]});
}

Cost cost(const OpTypes& t) { return stream_cost(t, 1); }
Cost cost_grad(const OpTypes& t) {
  Cost cost = stream_cost(t, 0);
  cost.bytes += t.out_elements(0) * sizeof(float);  // db is read and written
  cost.flops = t.in_elements(0);
  return cost;
}

int64_t workspace_grad(const OpTypes& t) { return bias_grad_workspace(t.shape(0), t.n); }

void gradient(GradientRule& rule) {
  rule.set(0, rule.dout(0));
  if (rule.wants(1)) rule.set(1, rule.emit("bias_grad", {rule.dout(0)}));
}

constexpr InputDef kInputs[] = {{"x"}, {"b", Layout::plain}};
constexpr OutputDef kOutputs[] = {{"y"}};
constexpr InputDef kGradInputs[] = {{"dy"}};
constexpr OutputDef kGradOutputs[] = {{"db", Layout::plain, true}};

// Golden values: tests/oracle/bias_pool.py.
constexpr double kX[] = {-1, 0.25, -1.25, 0, 1.25, -0.25, 1, -0.5}, kB[] = {0.5, -1};
constexpr double kY[] = {-0.5, 0.75, -2.25, -1, 1.75, 0.25, 0, -1.5};
constexpr double kDy[] = {-0.25, 0.5, -0.5, 0.25, -0.75, 0, 0.75, -0.25}, kDb[] = {-0.5, 0.25};
constexpr Case kCases[] = {
    {.name = "golden",
     .inputs = {{{.shape = {2, 2}, .values = kX}, {.shape = {2}, .values = kB}}},
     .expect = {kY}},
    {.name = "planes", .n = 33, .inputs = {{{.shape = {6, 5, 7}}, {.shape = {6}}}}, .bench = true},
    {.name = "vector", .n = 17, .inputs = {{{.shape = {31}}, {.shape = {31}}}}},
    {.name = "scalar", .inputs = {{{.shape = {}}, {.shape = {1}}}}, .error = "needs channels"},
    {.name = "channels", .inputs = {{{.shape = {3, 2}}, {.shape = {2}}}}, .error = "must be (3)"},
    {.name = "bias_matrix",
     .inputs = {{{.shape = {3}}, {.shape = {3, 1}}}},
     .error = "b (3, 1) must be (3)"},
};
constexpr Case kGradCases[] = {
    {.name = "golden", .inputs = {{{.shape = {2, 2}, .values = kDy}}}, .expect = {kDb}},
    {.name = "planes", .n = 33, .inputs = {{{.shape = {6, 28, 28}}}}, .bench = true},
    {.name = "vector", .n = 17, .inputs = {{{.shape = {31}}}}},
    {.name = "scalar", .inputs = {{{.shape = {}}}}, .error = "needs channels"},
    {.name = "attribute",
     .attrs = "dim=1",
     .inputs = {{{.shape = {3}}}},
     .error = "has no attribute 'dim'"},
    {.name = "no_value",
     .attrs = "keepdim",
     .inputs = {{{.shape = {3}}}},
     .error = "'keepdim' is no attribute"},
};

constexpr OpDef kOps[] = {
    checked({.name = "bias",
             .inputs = kInputs,
             .outputs = kOutputs,
             .attrs = none,
             .scope = Scope::per_example,
             .infer = infer,
             .workspace = no_workspace,
             .reference = {bias_ref<float>, bias_ref<double>},
             .cuda = cuda_twin(bias_cuda),
             .gradient = gradient,
             .cost = cost,
             .fusions = none,
             .cases = kCases}),
    checked({.name = "bias_grad",
             .inputs = kGradInputs,
             .outputs = kGradOutputs,
             .attrs = none,
             .scope = Scope::sums_over_batch,
             .infer = infer_grad,
             .workspace = workspace_grad,
             .reference = {bias_grad_ref<float>, bias_grad_ref<double>},
             .cpu = bias_grad_cpu,
             .cuda = cuda_twin(bias_grad_cuda),
             .gradient = not_differentiable,
             .cost = cost_grad,
             .fusions = none,
             .cases = kGradCases}),
};

}  // namespace

int64_t bias_grad_workspace(const Shape& dy, int64_t n) {
  if (dy[0] == 0) return 0;
  return dy[0] * bias_grad_parts(dy[0], dy.elements() / dy[0] * n) * int64_t{sizeof(float)};
}

extern const std::span<const OpDef> bias_ops;
constinit const std::span<const OpDef> bias_ops{kOps};

}  // namespace cairn
