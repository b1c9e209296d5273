#include "core/autodiff.h"
#include "kernels/mse_loss/mse_loss.h"
#include "kernels/mse_loss/pointwise_loss_rows.h"

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
constexpr PointwiseLossGolden kGolden{kX, kTarget, kMean, kSum, kDxMean, kDxSum};

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
             .cases = kPointwiseLossCases<kGolden, Fill::normal>,
             .sets_sums = true}),
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
             .cases = kPointwiseSlopeCases<kGolden, Fill::normal>,
             .zeroes_spare = true}),
};

}  // namespace

extern const std::span<const OpDef> mse_loss_ops;
constinit const std::span<const OpDef> mse_loss_ops{kOps};

}  // namespace cairn
