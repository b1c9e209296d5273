#include "kernels/batch_norm/batch_norm.h"

#include <fmt/format.h>

#include "core/autodiff.h"
#include "core/lower.h"
#include "kernels/batch_norm/batch_norm_rows.h"
#include "kernels/batch_norm/batch_norm_shapes.h"
#include "kernels/unary/unary.h"

namespace cairn {
namespace {

/// Sums, and six floats for each channel that cuDNN reads and writes.
template <int x>
int64_t workspace(const OpTypes& t) {
  const Shape& shape = t.shape(x);
  if (shape.elements() == 0) return 0;
  return batch_norm_sums_bytes(shape[0], shape.elements() / shape[0] * t.n) +
         6 * shape[0] * int64_t{sizeof(float)};
}
/// And stats.
int64_t workspace_inference_grad(const OpTypes& t) {
  return workspace<1>(t) + 2 * t.shape(1)[0] * int64_t{sizeof(double)};
}

/// Sums, or a normalisation, are 3 operations an element; a gradient's two 4 each, a mask 1.
template <int operations>
Cost cost(const OpTypes& t) {
  return stream_cost(t, operations);
}
/// The same of an op that moves running averages, inputs 1 and 2: they are written too.
template <int operations>
Cost cost_with_averages(const OpTypes& t) {
  Cost cost = stream_cost(t, operations);
  cost.bytes += (t.in_elements(1) + t.in_elements(2)) * sizeof(float);
  return cost;
}
/// The same of an op whose outputs are sums.
template <int operations>
Cost cost_of_sums(const OpTypes& t) {
  Cost cost = stream_cost(t, 0);
  cost.flops = operations * t.in_elements(0);
  return cost;
}

constexpr AttrDef kEps{.name = "eps", .type = AttrType::real, .initial = 1e-5, .max = 1};
constexpr AttrDef kGradAttrs[] = {kEps};  // of batch_norm_inference_grad

/// dz, which is the residual's gradient too.
Value masked(GradientRule& rule, int activation) {
  Value dz = rule.dout(0);
  if (rule.attrs().flag(activation)) dz = rule.emit("relu_grad", {rule.out(0), dz});
  rule.set(5, dz);
  return dz;
}

bool wants_more(const GradientRule& rule) {
  return rule.wants(0) || rule.wants(3) || rule.wants(4);
}
void set_from(GradientRule& rule, const std::vector<Value>& found) {
  rule.set(0, found[0]);
  rule.set(3, found[1]);
  rule.set(4, found[2]);
}

void gradient(GradientRule& rule) {
  if (rule.dout(1)) not_differentiable(rule);
  const Value dz = masked(rule, batch_norm_attr::activation);
  if (wants_more(rule))
    set_from(rule, rule.emit_all("batch_norm_grad", {dz, rule.in(0), rule.out(1), rule.in(3)}));
}

void gradient_inference(GradientRule& rule) {
  const Value dz = masked(rule, batch_norm_attr::inference_activation);
  Attrs attrs(kGradAttrs);
  attrs.set("eps", rule.attrs().real(batch_norm_attr::eps));
  if (wants_more(rule))
    set_from(rule, rule.emit_all("batch_norm_inference_grad",
                                 {dz, rule.in(0), rule.in(1), rule.in(2), rule.in(3)}, attrs));
}

void lower_forward(Lowering& rule) {
  const Shape& x = rule.shape(0);
  const int64_t positions = x[0] ? x.elements() / x[0] : 0;
  const Value sums = rule.emit("batch_norm_sums", {rule.in(0)})[0];
  const Value stats = rule.emit("batch_norm_stats", {sums, rule.in(1), rule.in(2)},
                                fmt::format("positions={}", positions))[0];
  rule.set(1, stats);
  rule.set(0, rule.emit("batch_norm_normalize",
                        {rule.in(0), stats, rule.in(3), rule.in(4), rule.in(5)})[0]);
}

void lower_from(Lowering& rule, Value dz, Value x, Value stats, Value weight) {
  const auto sums = rule.emit("batch_norm_grad_sums", {dz, x, stats});
  rule.set(0, rule.emit("batch_norm_grad_input", {dz, x, stats, sums[0], sums[1], weight})[0]);
  rule.set(1, sums[0]);
  rule.set(2, sums[1]);
}

void lower_backward(Lowering& rule) {
  lower_from(rule, rule.in(0), rule.in(1), rule.in(2), rule.in(3));
}

void lower_relu_backward(Lowering& rule) {
  const Value dz = rule.emit("relu_grad", {rule.in(0), rule.in(1)})[0];
  rule.set(3, dz);
  lower_from(rule, dz, rule.in(2), rule.in(3), rule.in(4));
}

constexpr InputDef kWeight{"weight", Layout::plain, Use::optional},
    kBias{"bias", Layout::plain, Use::optional},
    kResidualInput{"residual", Layout::batched, Use::optional},
    kStatsInput{"stats", Layout::plain, Use::read, DType::f64};
constexpr OutputDef kStatsOutput{"stats", Layout::plain, false, DType::f64};
constexpr InputDef kRunningMean{"running_mean", Layout::plain, Use::constant},
    kRunningVar{"running_var", Layout::plain, Use::constant};
constexpr InputDef kInputs[] = {{"x"},
                                {"running_mean", Layout::plain, Use::mutated},
                                {"running_var", Layout::plain, Use::mutated},
                                kWeight,
                                kBias,
                                kResidualInput};
constexpr InputDef kInferenceInputs[] = {{"x"},   kRunningMean, kRunningVar,
                                         kWeight, kBias,        kResidualInput};
constexpr InputDef kStatsInputs[] = {{"sums", Layout::plain, Use::read, DType::f64},
                                     {"running_mean", Layout::plain, Use::mutated},
                                     {"running_var", Layout::plain, Use::mutated}};
constexpr InputDef kNormalizeInputs[] = {{"x"}, kStatsInput, kWeight, kBias, kResidualInput};
constexpr InputDef kGradInputs[] = {{"dz"}, {"x"}, kStatsInput, kWeight};
constexpr InputDef kReluGradInputs[] = {{"y"}, {"dy"}, {"x"}, kStatsInput, kWeight};
constexpr InputDef kInferenceGradInputs[] = {{"dz"}, {"x"}, kRunningMean, kRunningVar, kWeight};
constexpr InputDef kGradInputInputs[] = {
    {"dz"}, {"x"}, kStatsInput, {"dweight", Layout::plain}, {"dbias", Layout::plain}, kWeight};
constexpr OutputDef kOutputs[] = {{"y"}, kStatsOutput};
constexpr OutputDef kY1[] = {{"y"}};
constexpr OutputDef kSumsOutputs[] = {{"sums", Layout::plain, true, DType::f64}};
constexpr OutputDef kStatsOutputs[] = {kStatsOutput};
constexpr OutputDef kReluGradOutputs[] = {
    {"dx"}, {"dweight", Layout::plain, true}, {"dbias", Layout::plain, true}, {"dz"}};
constexpr auto kGradOutputs = std::span(kReluGradOutputs).first(3);
constexpr OutputDef kDx1[] = {{"dx"}};

constexpr AttrDef kMomentum{.name = "momentum", .type = AttrType::real, .initial = 0.1, .max = 1};
constexpr AttrDef kActivation{.name = "activation",
                              .type = AttrType::choice,
                              .max = 1,
                              .choices = std::span(kActivations).first(2)};
constexpr AttrDef kAttrs[] = {kEps, kMomentum, kActivation};
constexpr AttrDef kInferenceAttrs[] = {kEps, kActivation};
constexpr AttrDef kStatsAttrs[] = {
    kEps, kMomentum, {.name = "positions", .initial = 1, .min = 0, .max = 1e15}};
constexpr AttrDef kNormalizeAttrs[] = {kActivation};

/// relu, and the sum of a residual block as input `residual`.
template <int residual>
constexpr FusionRule kFusions[] = {{"relu", "activation", 1},
                                   {"residual_add", "activation", 0, residual}};

constexpr MergeRule kMerges[] = {{"relu_grad", "batch_norm_relu_grad"}};

constexpr OpDef kOps[] = {
    checked({.name = "batch_norm",
             .inputs = kInputs,
             .outputs = kOutputs,
             .attrs = kAttrs,
             .scope = Scope::whole,
             .infer = infer,
             .workspace = workspace<0>,
             .reference = {batch_norm_ref<float>, batch_norm_ref<double>},
             .lower = lower_forward,
             .cuda = cuda_twin(batch_norm_cuda),
             .gradient = gradient,
             .cost = cost_with_averages<6>,
             .fusions = kFusions<5>,
             .cases = kCases}),
    checked({.name = "batch_norm_inference",
             .inputs = kInferenceInputs,
             .outputs = kY1,
             .attrs = kInferenceAttrs,
             .scope = Scope::per_example,
             .infer = infer,
             .workspace = workspace<0>,
             .reference = {batch_norm_inference_ref<float>, batch_norm_inference_ref<double>},
             .cpu = batch_norm_inference_cpu,
             .cuda = cuda_twin(batch_norm_inference_cuda),
             .gradient = gradient_inference,
             .cost = cost<3>,
             .fusions = kFusions<5>,
             .cases = kInferenceCases}),
    checked(
        {.name = "batch_norm_inference_grad",
         .inputs = kInferenceGradInputs,
         .outputs = kGradOutputs,
         .attrs = kGradAttrs,
         .scope = Scope::sums_over_batch,
         .infer = infer_inference_grad,
         .workspace = workspace_inference_grad,
         .reference = {batch_norm_inference_grad_ref<float>, batch_norm_inference_grad_ref<double>},
         .cpu = batch_norm_inference_grad_cpu,
         .cuda = cuda_twin(batch_norm_inference_grad_cuda),
         .gradient = not_differentiable,
         .cost = cost<5>,
         .fusions = none,
         .cases = kInferenceGradCases}),
    checked({.name = "batch_norm_sums",
             .inputs = std::span(kInputs).first(1),
             .outputs = kSumsOutputs,
             .attrs = none,
             .scope = Scope::sums_over_batch,
             .infer = infer_sums,
             .workspace = workspace<0>,
             .reference = {batch_norm_sums_ref<float>, batch_norm_sums_ref<double>},
             .cpu = batch_norm_sums_cpu,
             .cuda = cuda_twin(batch_norm_sums_cuda),
             .gradient = not_differentiable,
             .cost = cost_of_sums<3>,
             .fusions = none,
             .cases = kSumsCases}),
    checked({.name = "batch_norm_stats",
             .inputs = kStatsInputs,
             .outputs = kStatsOutputs,
             .attrs = kStatsAttrs,
             .scope = Scope::whole,
             .infer = infer_stats,
             .workspace = no_workspace,
             .reference = {batch_norm_stats_ref<float>, batch_norm_stats_ref<double>},
             .cuda = cuda_twin(batch_norm_stats_cuda),
             .gradient = not_differentiable,
             .cost = cost_with_averages<6>,
             .fusions = none,
             .cases = kStatsCases}),
    checked({.name = "batch_norm_normalize",
             .inputs = kNormalizeInputs,
             .outputs = kY1,
             .attrs = kNormalizeAttrs,
             .scope = Scope::per_example,
             .infer = infer_normalize,
             .workspace = no_workspace,
             .reference = {batch_norm_normalize_ref<float>, batch_norm_normalize_ref<double>},
             .cpu = batch_norm_normalize_cpu,
             .cuda = cuda_twin(batch_norm_normalize_cuda),
             .gradient = not_differentiable,
             .cost = cost<3>,
             .fusions = none,
             .cases = kNormalizeCases,
             .cheap = true}),
    checked({.name = "batch_norm_grad",
             .inputs = kGradInputs,
             .outputs = kGradOutputs,
             .attrs = none,
             .scope = Scope::whole,
             .infer = infer_grad,
             .workspace = workspace<1>,
             .reference = {batch_norm_grad_ref<float>, batch_norm_grad_ref<double>},
             .lower = lower_backward,
             .cuda = cuda_twin(batch_norm_grad_cuda),
             .gradient = not_differentiable,
             .cost = cost<8>,
             .fusions = none,
             .merges = kMerges,
             .cases = kGradCases}),
    checked({.name = "batch_norm_relu_grad",
             .inputs = kReluGradInputs,
             .outputs = kReluGradOutputs,
             .attrs = none,
             .scope = Scope::whole,
             .infer = infer_relu_grad,
             .workspace = workspace<1>,
             .reference = {batch_norm_relu_grad_ref<float>, batch_norm_relu_grad_ref<double>},
             .lower = lower_relu_backward,
             .cuda = cuda_twin(batch_norm_relu_grad_cuda),
             .gradient = not_differentiable,
             .cost = cost<9>,
             .fusions = none,
             .cases = kReluGradCases}),
    checked({.name = "batch_norm_grad_sums",
             .inputs = std::span(kGradInputs).first(3),
             .outputs = kGradOutputs.last(2),
             .attrs = none,
             .scope = Scope::sums_over_batch,
             .infer = infer_grad_sums,
             .workspace = workspace<1>,
             .reference = {batch_norm_grad_sums_ref<float>, batch_norm_grad_sums_ref<double>},
             .cpu = batch_norm_grad_sums_cpu,
             .cuda = cuda_twin(batch_norm_grad_sums_cuda),
             .gradient = not_differentiable,
             .cost = cost_of_sums<4>,
             .fusions = none,
             .cases = kGradSumsCases}),
    checked({.name = "batch_norm_grad_input",
             .inputs = kGradInputInputs,
             .outputs = kDx1,
             .attrs = none,
             .scope = Scope::per_example,
             .infer = infer_grad_input,
             .workspace = no_workspace,
             .reference = {batch_norm_grad_input_ref<float>, batch_norm_grad_input_ref<double>},
             .cpu = batch_norm_grad_input_cpu,
             .cuda = cuda_twin(batch_norm_grad_input_cuda),
             .gradient = not_differentiable,
             .cost = cost<4>,
             .fusions = none,
             .cases = kGradInputCases}),
};

}  // namespace

extern const std::span<const OpDef> batch_norm_ops;
constinit const std::span<const OpDef> batch_norm_ops{kOps};

}  // namespace cairn
