#include "core/autodiff.h"
#include "kernels/bce_with_logits/bce_with_logits.h"
#include "kernels/mse_loss/pointwise_loss_rows.h"

namespace cairn {
namespace {

void gradient(GradientRule& rule) {
  if (rule.wants(0))
    rule.set(
        0, rule.emit("bce_with_logits_grad", {rule.in(0), rule.in(1), rule.dout(0)}, rule.attrs()));
  if (rule.wants(1))
    rule.set(1, rule.emit("bce_with_logits_target_grad", {rule.in(0), rule.dout(0)}, rule.attrs()));
}

Cost cost(const OpTypes& t) {
  Cost cost = stream_cost(t, 0);
  cost.flops = 40 * t.in_elements(0);
  return cost;
}
Cost cost_grad(const OpTypes& t) { return stream_cost(t, 22); }
Cost cost_target_grad(const OpTypes& t) { return stream_cost(t, 2); }

constexpr OutputDef kOutputs[] = {{"loss", Layout::plain, true}};
constexpr AttrDef kAttrs[] = {kReductionAttr};
constexpr InputDef kInputs[] = {{"logits"}, {"target"}};
constexpr InputDef kGradInputs[] = {{"logits"}, {"target"}, {"dloss", Layout::plain}};
constexpr InputDef kTargetGradInputs[] = {{"logits"}, {"dloss", Layout::plain}};
constexpr OutputDef kGradOutputs[] = {{"dlogits"}}, kTargetGradOutputs[] = {{"dtarget"}};

// Golden values: tests/oracle/pointwise_losses.py.
constexpr double kX[] = {1, -2, 0.5, 0.25, 3, -1, 2, 30, -0.5, 0, -300, 1.5};
constexpr double kTarget[] = {0, 1, 0.25, 0.75, 1, 0, 0.5, 1, 0.125, 1, 0, 0.875};
constexpr double kMean[] = {0.669593382956499};
constexpr double kDxMean[] = {0.0609215482191671,  -0.0733997564981569,   0.0310382776001546,
                              -0.0156519582595168, -0.00395215609813055,  0.0224117851141663,
                              0.0317330898314902,  -7.79006488945318e-15, 0.0210450557331788,
                              -0.0416666666666667, 4.29016685201001e-132, -0.00478546031719636};
constexpr double kDtMean[] = {-0.0833333333333333,
                              0.166666666666667,
                              -0.0416666666666667,
                              -0.0208333333333333,
                              -0.25,
                              0.0833333333333333,
                              -0.166666666666667,
                              -2.5,
                              0.0416666666666667,
                              -0,
                              25,
                              -0.125};
constexpr double kSum[] = {8.03512059547798};
constexpr double kDxSum[] = {0.731058578630005,     -0.880797077977882,
                             0.372459331201855,     -0.187823499114202,
                             -0.0474258731775666,   0.268941421369995,
                             0.380797077977882,     -9.34807786734382e-14,
                             0.252540668798145,     -0.5,
                             5.14820022241201e-131, -0.0574255238063563};
constexpr double kDtSum[] = {-1, 2, -0.5, -0.25, -3, 1, -2, -30, 0.5, -0, 300, -1.5};
constexpr PointwiseLossGolden kGolden{kX, kTarget, kMean, kSum, kDxMean, kDxSum};

constexpr Case target_gradient_case(std::string_view name, std::string_view attrs, int64_t n,
                                    const Shape& shape, bool bench = false) {
  return {.name = name,
          .attrs = attrs,
          .n = n,
          .inputs = {{{.shape = shape}, {.shape = {}}}},
          .bench = bench};
}

constexpr Case kTargetGradCases[] = {
    golden_loss_case(false, {golden_examples(kX), kOneLoss}, kDtMean),
    golden_loss_case(true, {golden_examples(kX), kOneLoss}, kDtSum),
    target_gradient_case("scalar", "", 2, {}),
    target_gradient_case("planes", "", 17, {3, 5, 7}),
    target_gradient_case("one_example", "reduction=sum", 1, {13}),
    target_gradient_case("image", "", 33, {1, 28, 28}, true),
    bad_loss_case("dloss_vector", "", {{{.shape = {3}}, {.shape = {3}}}},
                  "dloss has shape (3), a scalar is needed"),
    bad_loss_case("no_reduction", "reduction=none", {{{.shape = {3}}, {.shape = {}}}},
                  "reduction=none is none of mean, sum"),
    bad_loss_case("attribute", "weight=2", {{{.shape = {3}}, {.shape = {}}}},
                  "has no attribute 'weight'"),
};

constexpr OpDef kOps[] = {
    checked({.name = "bce_with_logits",
             .inputs = kInputs,
             .outputs = kOutputs,
             .attrs = kAttrs,
             .scope = Scope::sums_over_batch,
             .infer = infer_pointwise_loss,
             .workspace = loss_workspace,
             .reference = {bce_with_logits_ref<float>, bce_with_logits_ref<double>},
             .cpu = bce_with_logits_cpu,
             .cuda = cuda_twin(bce_with_logits_cuda),
             .gradient = gradient,
             .cost = cost,
             .fusions = none,
             .cases = kPointwiseLossCases<kGolden, Fill::unit>,
             .sets_sums = true}),
    checked({.name = "bce_with_logits_grad",
             .inputs = kGradInputs,
             .outputs = kGradOutputs,
             .attrs = kAttrs,
             .scope = Scope::per_example,
             .infer = infer_pointwise_slope,
             .workspace = no_workspace,
             .reference = {bce_with_logits_grad_ref<float>, bce_with_logits_grad_ref<double>},
             .cpu = bce_with_logits_grad_cpu,
             .cuda = cuda_twin(bce_with_logits_grad_cuda),
             .gradient = not_differentiable,
             .cost = cost_grad,
             .fusions = none,
             .cases = kPointwiseSlopeCases<kGolden, Fill::unit>,
             .zeroes_spare = true}),
    checked({.name = "bce_with_logits_target_grad",
             .inputs = kTargetGradInputs,
             .outputs = kTargetGradOutputs,
             .attrs = kAttrs,
             .scope = Scope::per_example,
             .infer = infer_pointwise_slope,
             .workspace = no_workspace,
             .reference = {bce_with_logits_target_grad_ref<float>,
                           bce_with_logits_target_grad_ref<double>},
             .cpu = bce_with_logits_target_grad_cpu,
             .cuda = cuda_twin(bce_with_logits_target_grad_cuda),
             .gradient = not_differentiable,
             .cost = cost_target_grad,
             .fusions = none,
             .cases = kTargetGradCases,
             .zeroes_spare = true}),
};

}  // namespace

extern const std::span<const OpDef> bce_with_logits_ops;
constinit const std::span<const OpDef> bce_with_logits_ops{kOps};

}  // namespace cairn
