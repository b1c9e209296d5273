// A cube with a wrong gradient, for the checks to find: dx = 3 dy^2 x instead of 3 x^2 dy.
#include "core/autodiff.h"
#include "kernels/cube/cube.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) { t.set_out(0, t.shape(0)); }
Cost cost(const OpTypes& t) { return stream_cost(t, 2); }
void wrong_gradient(GradientRule& rule) {
  rule.set(0, rule.emit("cube_grad", {rule.dout(0), rule.in(0)}));
}

constexpr InputDef kInputs[] = {{"x", Layout::batched}};
constexpr OutputDef kOutputs[] = {{"y", Layout::batched}};
constexpr Case kCases[] = {{.name = "row", .n = 3, .inputs = {{{.shape = {2}}}}, .bench = true}};

constexpr OpDef kOps[] = {checked({.name = "wrong_cube",
                                   .inputs = kInputs,
                                   .outputs = kOutputs,
                                   .attrs = none,
                                   .scope = Scope::per_example,
                                   .infer = infer,
                                   .workspace = no_workspace,
                                   .reference = {cube_ref<float>, cube_ref<double>},
                                   .cuda = cuda_twin(cube_cuda),
                                   .gradient = wrong_gradient,
                                   .cost = cost,
                                   .fusions = none,
                                   .cases = kCases})};

}  // namespace

extern const std::span<const OpDef> wrong_cube_ops;
constinit const std::span<const OpDef> wrong_cube_ops{kOps};

}  // namespace cairn
