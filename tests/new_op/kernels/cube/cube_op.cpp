#include <fmt/format.h>

#include "core/autodiff.h"
#include "kernels/cube/cube.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) { t.set_out(0, t.shape(0)); }
void infer_grad(const OpTypes& t) {
  expect(t.in[0] == t.in[1], t.op,
         fmt::format("x is {}, but dy is {}", to_string(t.in[0]), to_string(t.in[1])));
  t.set_out(0, t.shape(0));
}
Cost cost(const OpTypes& t) { return stream_cost(t, 2); }
Cost cost_grad(const OpTypes& t) { return stream_cost(t, 3); }

void gradient(GradientRule& rule) {
  rule.set(0, rule.emit("cube_grad", {rule.in(0), rule.dout(0)}));
}

constexpr InputDef kInputs[] = {{"x", Layout::any}};
constexpr InputDef kGradInputs[] = {{"x", Layout::any}, {"dy", Layout::any}};
constexpr OutputDef kOutputs[] = {{"y", Layout::any}};
constexpr OutputDef kGradOutputs[] = {{"dx", Layout::any}};

// Closed form.
constexpr double kX[] = {-2, 0.5, 3, 0}, kY[] = {-8, 0.125, 27, 0};
constexpr double kDy[] = {1, -2, 0.5, 7}, kDx[] = {12, -1.5, 13.5, 0};
constexpr Case kCases[] = {
    {.name = "golden", .inputs = {{{.shape = {2}, .values = kX}}}, .expect = {kY}},
    {.name = "planes", .n = 33, .inputs = {{{.shape = {3, 5, 7}}}}, .bench = true},
};
constexpr Case kGradCases[] = {
    {.name = "golden",
     .inputs = {{{.shape = {2}, .values = kX}, {.shape = {2}, .values = kDy}}},
     .expect = {kDx}},
    {.name = "planes",
     .n = 17,
     .inputs = {{{.shape = {3, 5, 7}}, {.shape = {3, 5, 7}}}},
     .bench = true},
    {.name = "wrong_shape",
     .inputs = {{{.shape = {4}}, {.shape = {5}}}},
     .error = "x is float32 (N, 4), but dy is float32 (N, 5)"},
    {.name = "wrong_rank",
     .inputs = {{{.shape = {2, 2}}, {.shape = {4}}}},
     .error = "x is float32 (N, 2, 2), but dy is float32 (N, 4)"},
    {.name = "attribute",
     .attrs = "scale=2",
     .inputs = {{{.shape = {4}}, {.shape = {4}}}},
     .error = "has no attribute 'scale'"},
};

constexpr OpDef kOps[] = {
    checked({.name = "cube",
             .inputs = kInputs,
             .outputs = kOutputs,
             .attrs = none,
             .scope = Scope::per_example,
             .infer = infer,
             .workspace = no_workspace,
             .reference = {cube_ref<float>, cube_ref<double>},
             .cuda = cuda_twin(cube_cuda),
             .gradient = gradient,
             .cost = cost,
             .fusions = none,
             .cases = kCases}),
    checked({.name = "cube_grad",
             .inputs = kGradInputs,
             .outputs = kGradOutputs,
             .attrs = none,
             .scope = Scope::per_example,
             .infer = infer_grad,
             .workspace = no_workspace,
             .reference = {cube_grad_ref<float>, cube_grad_ref<double>},
             .cuda = cuda_twin(cube_grad_cuda),
             .gradient = not_differentiable,
             .cost = cost_grad,
             .fusions = none,
             .cases = kGradCases}),
};

}  // namespace

extern const std::span<const OpDef> cube_ops;
constinit const std::span<const OpDef> cube_ops{kOps};

}  // namespace cairn
