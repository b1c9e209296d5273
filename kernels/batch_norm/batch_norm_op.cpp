#include "kernels/batch_norm/batch_norm.h"

#include <fmt/format.h>

#include "core/autodiff.h"
#include "core/lower.h"
#include "kernels/batch_norm/batch_norm_rows.h"
#include "kernels/unary/unary.h"

namespace cairn {
namespace {

void expect_channels(const OpTypes& t, int x, int i, const char* name) {
  if (!t.has(i)) return;
  expect(t.shape(i) == Shape{t.shape(x)[0]}, t.op,
         fmt::format("{} {} must be ({})", name, to_string(t.shape(i)), t.shape(x)[0]));
}

void expect_example(const OpTypes& t, int x) {
  expect(t.shape(x).rank() >= 1, t.op, "x of one example is a scalar, but needs channels");
}

void expect_stats(const OpTypes& t, int x, int i) {
  expect(t.shape(i) == Shape{t.shape(x)[0], 2}, t.op,
         fmt::format("stats {} must be ({}, 2)", to_string(t.shape(i)), t.shape(x)[0]));
}

/// weight, bias and residual from input i on.
void expect_end(const OpTypes& t, int i) {
  expect_channels(t, 0, i, "weight");
  expect_channels(t, 0, i + 1, "bias");
  if (t.has(i + 2))
    expect(t.shape(i + 2) == t.shape(0), t.op,
           fmt::format("residual is {}, but x is {}", to_string(t.in[static_cast<size_t>(i + 2)]),
                       to_string(t.in[0])));
  t.set_out(0, t.shape(0));
}

void infer(const OpTypes& t) {
  expect_example(t, 0);
  expect_channels(t, 0, 1, "running_mean");
  expect_channels(t, 0, 2, "running_var");
  expect_end(t, 3);
  if (t.out.size() > 1) t.set_out(1, {t.shape(0)[0], 2});
}

void infer_sums(const OpTypes& t) {
  expect_example(t, 0);
  t.set_out(0, {t.shape(0)[0], 2});
}

void infer_stats(const OpTypes& t) {
  expect(t.shape(1).rank() == 1, t.op, "running_mean must be (C)");
  expect(t.shape(0) == Shape{t.shape(1)[0], 2}, t.op,
         fmt::format("sums {} must be ({}, 2)", to_string(t.shape(0)), t.shape(1)[0]));
  expect_channels(t, 1, 2, "running_var");
  t.set_out(0, t.shape(0));
}

void infer_normalize(const OpTypes& t) {
  expect_example(t, 0);
  expect_stats(t, 0, 1);
  expect_end(t, 2);
}

void expect_gradient(const OpTypes& t) {
  expect_example(t, 1);
  expect(t.shape(0) == t.shape(1), t.op,
         fmt::format("dz is {}, but x is {}", to_string(t.in[0]), to_string(t.in[1])));
  expect_stats(t, 1, 2);
}

void infer_grad(const OpTypes& t) {
  expect_gradient(t);
  expect_channels(t, 1, 3, "weight");
  t.set_out(0, t.shape(1));
  for (int i = 1; i <= 2; ++i) t.set_out(i, {t.shape(1)[0]});
}

void infer_inference_grad(const OpTypes& t) {
  expect_example(t, 1);
  expect(t.shape(0) == t.shape(1), t.op,
         fmt::format("dz is {}, but x is {}", to_string(t.in[0]), to_string(t.in[1])));
  expect_channels(t, 1, 2, "running_mean");
  expect_channels(t, 1, 3, "running_var");
  expect_channels(t, 1, 4, "weight");
  t.set_out(0, t.shape(1));
  for (int i = 1; i <= 2; ++i) t.set_out(i, {t.shape(1)[0]});
}

void infer_grad_sums(const OpTypes& t) {
  expect_gradient(t);
  for (int i = 0; i <= 1; ++i) t.set_out(i, {t.shape(1)[0]});
}

void infer_grad_input(const OpTypes& t) {
  expect_gradient(t);
  expect_channels(t, 1, 3, "dweight");
  expect_channels(t, 1, 4, "dbias");
  expect_channels(t, 1, 5, "weight");
  t.set_out(0, t.shape(1));
}

/// Sums, and six floats for each channel that cuDNN reads and writes.
int64_t workspace(const OpTypes& t, int x) {
  const Shape& shape = t.shape(x);
  if (shape.elements() == 0) return 0;
  return batch_norm_sums_bytes(shape[0], shape.elements() / shape[0] * t.n) +
         6 * shape[0] * int64_t{sizeof(float)};
}
int64_t workspace_forward(const OpTypes& t) { return workspace(t, 0); }
int64_t workspace_backward(const OpTypes& t) { return workspace(t, 1); }
/// And stats.
int64_t workspace_inference_grad(const OpTypes& t) {
  return workspace(t, 1) + 2 * t.shape(1)[0] * int64_t{sizeof(double)};
}

/// Sums, or a normalisation, are 3 operations an element; a gradient's two 4 each.
Cost cost(const OpTypes& t) { return stream_cost(t, 6); }
Cost cost_sums(const OpTypes& t) {
  Cost cost = stream_cost(t, 0);
  cost.flops = 3 * t.in_elements(0);
  return cost;
}
Cost cost_grad_sums(const OpTypes& t) {
  Cost cost = stream_cost(t, 0);
  cost.flops = 4 * t.in_elements(0);
  return cost;
}
Cost cost_normalize(const OpTypes& t) { return stream_cost(t, 3); }
Cost cost_stats(const OpTypes& t) { return stream_cost(t, 6); }
Cost cost_grad(const OpTypes& t) { return stream_cost(t, 8); }
Cost cost_inference_grad(const OpTypes& t) { return stream_cost(t, 5); }
Cost cost_grad_input(const OpTypes& t) { return stream_cost(t, 4); }

constexpr AttrDef kEps{.name = "eps", .type = AttrType::real, .initial = 1e-5, .max = 1};
constexpr AttrDef kGradAttrs[] = {kEps};  // of batch_norm_inference_grad

void gradient(GradientRule& rule) {
  if (rule.dout(1)) not_differentiable(rule);
  Value dz = rule.dout(0);
  if (rule.attrs().flag(batch_norm_attr::activation))
    dz = rule.emit("relu_grad", {rule.out(0), dz});
  rule.set(5, dz);
  if (!rule.wants(0) && !rule.wants(3) && !rule.wants(4)) return;
  const auto found = rule.emit_all("batch_norm_grad", {dz, rule.in(0), rule.out(1), rule.in(3)});
  rule.set(0, found[0]);
  rule.set(3, found[1]);
  rule.set(4, found[2]);
}

void gradient_inference(GradientRule& rule) {
  Value dz = rule.dout(0);
  if (rule.attrs().flag(batch_norm_attr::inference_activation))
    dz = rule.emit("relu_grad", {rule.out(0), dz});
  rule.set(5, dz);
  if (!rule.wants(0) && !rule.wants(3) && !rule.wants(4)) return;
  Attrs attrs(kGradAttrs);
  attrs.set("eps", rule.attrs().real(batch_norm_attr::eps));
  const auto found = rule.emit_all("batch_norm_inference_grad",
                                   {dz, rule.in(0), rule.in(1), rule.in(2), rule.in(3)}, attrs);
  rule.set(0, found[0]);
  rule.set(3, found[1]);
  rule.set(4, found[2]);
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

void lower_backward(Lowering& rule) {
  const Value dz = rule.in(0), x = rule.in(1), stats = rule.in(2);
  const auto sums = rule.emit("batch_norm_grad_sums", {dz, x, stats});
  rule.set(0, rule.emit("batch_norm_grad_input", {dz, x, stats, sums[0], sums[1], rule.in(3)})[0]);
  rule.set(1, sums[0]);
  rule.set(2, sums[1]);
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
constexpr InputDef kInferenceGradInputs[] = {{"dz"}, {"x"}, kRunningMean, kRunningVar, kWeight};
constexpr InputDef kGradInputInputs[] = {
    {"dz"}, {"x"}, kStatsInput, {"dweight", Layout::plain}, {"dbias", Layout::plain}, kWeight};
constexpr OutputDef kOutputs[] = {{"y"}, kStatsOutput};
constexpr OutputDef kY1[] = {{"y"}};
constexpr OutputDef kSumsOutputs[] = {{"sums", Layout::plain, true, DType::f64}};
constexpr OutputDef kStatsOutputs[] = {kStatsOutput};
constexpr OutputDef kGradOutputs[] = {
    {"dx"}, {"dweight", Layout::plain, true}, {"dbias", Layout::plain, true}};
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

constexpr OpDef kOps[] = {
    checked({.name = "batch_norm",
             .inputs = kInputs,
             .outputs = kOutputs,
             .attrs = kAttrs,
             .scope = Scope::whole,
             .infer = infer,
             .workspace = workspace_forward,
             .reference = {batch_norm_ref<float>, batch_norm_ref<double>},
             .lower = lower_forward,
             .cuda = cuda_twin(batch_norm_cuda),
             .gradient = gradient,
             .cost = cost,
             .fusions = kFusions<5>,
             .cases = kCases}),
    checked({.name = "batch_norm_inference",
             .inputs = kInferenceInputs,
             .outputs = kY1,
             .attrs = kInferenceAttrs,
             .scope = Scope::per_example,
             .infer = infer,
             .workspace = workspace_forward,
             .reference = {batch_norm_inference_ref<float>, batch_norm_inference_ref<double>},
             .cpu = batch_norm_inference_cpu,
             .cuda = cuda_twin(batch_norm_inference_cuda),
             .gradient = gradient_inference,
             .cost = cost_normalize,
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
         .cost = cost_inference_grad,
         .fusions = none,
         .cases = kInferenceGradCases}),
    checked({.name = "batch_norm_sums",
             .inputs = std::span(kInputs).first(1),
             .outputs = kSumsOutputs,
             .attrs = none,
             .scope = Scope::sums_over_batch,
             .infer = infer_sums,
             .workspace = workspace_forward,
             .reference = {batch_norm_sums_ref<float>, batch_norm_sums_ref<double>},
             .cpu = batch_norm_sums_cpu,
             .cuda = cuda_twin(batch_norm_sums_cuda),
             .gradient = not_differentiable,
             .cost = cost_sums,
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
             .cost = cost_stats,
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
             .cost = cost_normalize,
             .fusions = none,
             .cases = kNormalizeCases}),
    checked({.name = "batch_norm_grad",
             .inputs = kGradInputs,
             .outputs = kGradOutputs,
             .attrs = none,
             .scope = Scope::whole,
             .infer = infer_grad,
             .workspace = workspace_backward,
             .reference = {batch_norm_grad_ref<float>, batch_norm_grad_ref<double>},
             .lower = lower_backward,
             .cuda = cuda_twin(batch_norm_grad_cuda),
             .gradient = not_differentiable,
             .cost = cost_grad,
             .fusions = none,
             .cases = kGradCases}),
    checked({.name = "batch_norm_grad_sums",
             .inputs = std::span(kGradInputs).first(3),
             .outputs = std::span(kGradOutputs).last(2),
             .attrs = none,
             .scope = Scope::sums_over_batch,
             .infer = infer_grad_sums,
             .workspace = workspace_backward,
             .reference = {batch_norm_grad_sums_ref<float>, batch_norm_grad_sums_ref<double>},
             .cpu = batch_norm_grad_sums_cpu,
             .cuda = cuda_twin(batch_norm_grad_sums_cuda),
             .gradient = not_differentiable,
             .cost = cost_grad_sums,
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
             .cost = cost_grad_input,
             .fusions = none,
             .cases = kGradInputCases}),
};

}  // namespace

extern const std::span<const OpDef> batch_norm_ops;
constinit const std::span<const OpDef> batch_norm_ops{kOps};

}  // namespace cairn
