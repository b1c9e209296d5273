#include "core/autodiff.h"
#include "kernels/mse_loss/mse_loss.h"

namespace cairn {
namespace {

void gradient(GradientRule& rule) {
  const Value dx = rule.emit("mse_loss_grad", {rule.in(0), rule.in(1), rule.dout(0)}, rule.attrs());
  rule.set(0, dx);
  if (rule.wants(1)) rule.set(1, rule.emit("neg", {dx}));
}

Cost cost(const OpTypes& t) {
  Cost cost = stream_cost(t, 0);
  cost.flops = 3 * t.in_elements(0);
  return cost;
}
Cost cost_grad(const OpTypes& t) { return stream_cost(t, 3); }

constexpr OutputDef kOutputs[] = {{"loss", Layout::plain, true}};
constexpr AttrDef kAttrs[] = {kReductionAttr};
constexpr InputDef kInputs[] = {{"prediction"}, {"target"}};
constexpr InputDef kGradInputs[] = {{"prediction"}, {"target"}, {"dloss", Layout::plain}};
constexpr OutputDef kGradOutputs[] = {{"dprediction"}};

// Golden values: tests/oracle/pointwise_losses.py.
constexpr double kX[] = {1, -2, 0.5, 0.25, 3, -1, 2, 2.5, -0.5, 0, -3, 1.5};
constexpr double kTarget[] = {0, 1, 0.25, 0.75, 1, 0, 0.5, 1, 0.125, 1, 0, 0.875};
constexpr double kMean[] = {2.54947916666667};
constexpr double kDxMean[] = {0.166666666666667,
                              -0.5,
                              0.0416666666666667,
                              -0.0833333333333333,
                              0.333333333333333,
                              -0.166666666666667,
                              0.25,
                              0.25,
                              -0.104166666666667,
                              -0.166666666666667,
                              -0.5,
                              0.104166666666667};
constexpr double kSum[] = {30.59375};
constexpr double kDxSum[] = {2, -6, 0.5, -1, 4, -2, 3, 3, -1.25, -2, -6, 1.25};
constexpr double kOne[] = {1};

constexpr CaseInput kGoldenX{.shape = {2, 2}, .values = kX},
    kGoldenTarget{.shape = {2, 2}, .values = kTarget}, kOneLoss{.shape = {}, .values = kOne};

constexpr Case loss_case(std::string_view name, std::string_view attrs, int64_t n,
                         const Shape& shape, bool bench = false) {
  return {.name = name,
          .attrs = attrs,
          .n = n,
          .inputs = {{{.shape = shape}, {.shape = shape}}},
          .bench = bench};
}
constexpr Case bad_case(std::string_view name, std::string_view attrs, const Shape& x,
                        const Shape& target, std::string_view error) {
  return {
      .name = name, .attrs = attrs, .inputs = {{{.shape = x}, {.shape = target}}}, .error = error};
}

constexpr Case kCases[] = {
    {.name = "golden", .n = 3, .inputs = {kGoldenX, kGoldenTarget}, .expect = {kMean}},
    {.name = "golden_sum",
     .attrs = "reduction=sum",
     .n = 3,
     .inputs = {kGoldenX, kGoldenTarget},
     .expect = {kSum}},
    loss_case("scalar", "", 2, {}),
    loss_case("planes", "", 17, {3, 5, 7}),
    loss_case("one_example", "reduction=sum", 1, {13}),
    loss_case("image", "", 33, {1, 28, 28}, true),
    bad_case("wrong_size", "", {3, 4}, {3, 5},
             "the prediction is float32 (N, 3, 4), but the target is float32 (N, 3, 5)"),
    bad_case("no_broadcast", "", {3, 4}, {4}, "but the target is float32 (N, 4)"),
    bad_case("no_reduction", "reduction=none", {3}, {3}, "reduction=none is none of mean, sum"),
};

constexpr Case gradient_case(std::string_view name, std::string_view attrs, int64_t n,
                             const Shape& shape, bool bench = false) {
  Case c = loss_case(name, attrs, n, shape, bench);
  c.inputs[2] = {.shape = {}};
  return c;
}

constexpr Case kGradCases[] = {
    {.name = "golden", .n = 3, .inputs = {kGoldenX, kGoldenTarget, kOneLoss}, .expect = {kDxMean}},
    {.name = "golden_sum",
     .attrs = "reduction=sum",
     .n = 3,
     .inputs = {kGoldenX, kGoldenTarget, kOneLoss},
     .expect = {kDxSum}},
    gradient_case("scalar", "", 2, {}),
    gradient_case("planes", "", 17, {3, 5, 7}),
    gradient_case("one_example", "reduction=sum", 1, {13}),
    gradient_case("image", "", 33, {1, 28, 28}, true),
    bad_case("wrong_size", "", {3, 4}, {3, 5}, "but the target is float32 (N, 3, 5)"),
    {.name = "dloss_vector",
     .inputs = {{{.shape = {3}}, {.shape = {3}}, {.shape = {2}}}},
     .error = "dloss has shape (2), a scalar is needed"},
    bad_case("no_reduction", "reduction=none", {3}, {3}, "reduction=none is none of mean, sum"),
};

constexpr OpDef kOps[] = {
    checked({.name = "mse_loss",
             .inputs = kInputs,
             .outputs = kOutputs,
             .attrs = kAttrs,
             .scope = Scope::sums_over_batch,
             .infer = infer_pointwise_loss,
             .workspace = loss_workspace,
             .reference = {mse_loss_ref<float>, mse_loss_ref<double>},
             .cpu = mse_loss_cpu,
             .cuda = cuda_twin(mse_loss_cuda),
             .gradient = gradient,
             .cost = cost,
             .fusions = none,
             .cases = kCases}),
    checked({.name = "mse_loss_grad",
             .inputs = kGradInputs,
             .outputs = kGradOutputs,
             .attrs = kAttrs,
             .scope = Scope::per_example,
             .infer = infer_pointwise_slope,
             .workspace = no_workspace,
             .reference = {mse_loss_grad_ref<float>, mse_loss_grad_ref<double>},
             .cpu = mse_loss_grad_cpu,
             .cuda = cuda_twin(mse_loss_grad_cuda),
             .gradient = not_differentiable,
             .cost = cost_grad,
             .fusions = none,
             .cases = kGradCases}),
};

}  // namespace

extern const std::span<const OpDef> mse_loss_ops;
constinit const std::span<const OpDef> mse_loss_ops{kOps};

}  // namespace cairn
