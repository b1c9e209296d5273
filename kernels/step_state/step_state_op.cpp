#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"
#include "kernels/step_state/step_state.h"

namespace cairn {

Schedule schedule_from(std::string_view name) {
  for (size_t i = 0; i < std::size(kSchedules); ++i)
    if (kSchedules[i] == name) return static_cast<Schedule>(i);
  fail_usage(fmt::format("'{}' is no schedule", name),
             fmt::format("use one of {}", fmt::join(kSchedules, ", ")));
}

namespace {

void infer(const OpTypes&) {}
Cost cost(const OpTypes&) { return {2 * sizeof(StepState), 0}; }

constexpr double kMaxCount = 1LL << 52;
constexpr AttrDef kBatchAttrs[] = {{.name = "count", .initial = 1, .min = 1, .max = kMaxCount},
                                   {.name = "batch", .initial = 1, .min = 1, .max = kMaxCount}};
constexpr AttrDef kStepAttrs[] = {
    {.name = "schedule", .type = AttrType::choice, .max = 3, .choices = kSchedules},
    {.name = "lr", .type = AttrType::real, .initial = 0.1, .min = 0, .max = 1e6},
    {.name = "warmup", .initial = 0, .min = 0, .max = kMaxCount},
    {.name = "horizon", .initial = 1, .min = 1, .max = kMaxCount}};

constexpr Case kBatchCases[] = {
    {.name = "begins",
     .attrs = "count=10 batch=4",
     .n = 0,
     .step = {},
     .expect_step = {.step = 0, .epoch = 0, .first = 0, .n_valid = 4}},
    {.name = "partial",
     .attrs = "count=10 batch=4",
     .n = 4,
     .step = {.epoch = 3, .first = 4, .n_valid = 4},
     .expect_step = {.step = 0, .epoch = 3, .first = 8, .n_valid = 2}},
    {.name = "wraps",
     .attrs = "count=10 batch=4",
     .n = 4,
     .step = {.step = 7, .epoch = 3, .first = 8, .n_valid = 2, .lr = 0.5},
     .expect_step = {.step = 7, .epoch = 4, .first = 0, .n_valid = 4, .lr = 0.5},
     .bench = true},
    {.name = "no_batch", .attrs = "count=10 batch=0", .error = "batch=0 is out of range"},
};

// Closed forms: cos(pi/4), and PyTorch's CosineAnnealingLR at the same steps.
constexpr Case kStepCases[] = {
    {.name = "constant",
     .attrs = "lr=0.25",
     .n = 1,
     .expect_step = {.step = 1, .n_valid = 1, .lr = 0.25}},
    {.name = "cosine",
     .attrs = "schedule=cosine lr=0.2 horizon=4",
     .n = 1,
     .step = {.step = 1},
     .expect_step = {.step = 2, .n_valid = 1, .lr = 0.1 * (1 + 0.70710678118654752440)},
     .bench = true},
    {.name = "step",
     .attrs = "schedule=step lr=1 horizon=100",
     .n = 1,
     .step = {.step = 50},
     .expect_step = {.step = 51, .n_valid = 1, .lr = 0.1}},
    {.name = "one_cycle",
     .attrs = "schedule=one-cycle lr=1 horizon=10",
     .n = 1,
     .step = {.step = 3},
     .expect_step = {.step = 4, .n_valid = 1, .lr = 1}},
    {.name = "warmup",
     .attrs = "lr=1 warmup=4 horizon=10",
     .n = 1,
     .step = {.step = 0},
     .expect_step = {.step = 1, .n_valid = 1, .lr = 0.25}},
    {.name = "no_schedule", .attrs = "schedule=cosinus", .error = "is none of constant"},
    {.name = "negative", .attrs = "lr=-1", .error = "lr=-1 is out of range"},
};

constexpr OpDef kOps[] = {
    checked({.name = "next_batch",
             .inputs = none,
             .outputs = none,
             .attrs = kBatchAttrs,
             .scope = Scope::whole,
             .infer = infer,
             .workspace = no_workspace,
             .reference = {next_batch_ref, next_batch_ref},
             .cuda = cuda_twin(next_batch_cuda),
             .gradient = not_differentiable,
             .cost = cost,
             .fusions = none,
             .cases = kBatchCases,
             .advances_step = true}),
    checked({.name = "next_step",
             .inputs = none,
             .outputs = none,
             .attrs = kStepAttrs,
             .scope = Scope::whole,
             .infer = infer,
             .workspace = no_workspace,
             .reference = {next_step_ref, next_step_ref},
             .cuda = cuda_twin(next_step_cuda),
             .gradient = not_differentiable,
             .cost = cost,
             .fusions = none,
             .cases = kStepCases,
             .advances_step = true}),
};

}  // namespace

extern const std::span<const OpDef> step_state_ops;
constinit const std::span<const OpDef> step_state_ops{kOps};

}  // namespace cairn
