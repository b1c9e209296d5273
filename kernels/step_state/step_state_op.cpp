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

LearningRate learning_rate_of(const Attrs& a) {
  using namespace next_step_attr;
  LearningRate rate{.schedule = static_cast<Schedule>(a.integer(schedule)),
                    .lr = a.real(lr),
                    .warmup = a.integer(warmup),
                    .warmup_lr = a.real(warmup_lr),
                    .horizon = a.integer(horizon),
                    .count = a.size(milestones)};
  for (int i = 0; i < rate.count; ++i) rate.milestones[i] = a.integer(milestones, i);
  return rate;
}

namespace {

void infer(const OpTypes&) {}

void infer_step(const OpTypes& t) {
  const LearningRate rate = learning_rate_of(t.attrs);
  for (int i = 1; i < rate.count; ++i)
    expect(rate.milestones[i - 1] < rate.milestones[i], t.op,
           fmt::format("milestones must rise, but {} comes before {}", rate.milestones[i - 1],
                       rate.milestones[i]));
}

Cost cost(const OpTypes&) { return {2 * sizeof(StepState), 0}; }

constexpr double kMaxCount = 1LL << 53;
constexpr AttrDef kBatchAttrs[] = {{.name = "count", .initial = 1, .min = 1, .max = kMaxCount},
                                   {.name = "batch", .initial = 1, .min = 1, .max = kMaxCount}};
constexpr AttrDef kStepAttrs[] = {
    {.name = "schedule", .type = AttrType::choice, .max = 3, .choices = kSchedules},
    {.name = "lr", .type = AttrType::real, .initial = 0.1, .min = 0, .max = 1e6},
    {.name = "warmup", .initial = 0, .min = 0, .max = kMaxCount},
    {.name = "horizon", .initial = 1, .min = 1, .max = kMaxCount},
    {.name = "milestones", .min = 1, .max = kMaxCount, .count = kMaxMilestones, .list = true},
    {.name = "warmup_lr", .type = AttrType::real, .min = 0, .max = 1e6}};

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
    {.name = "batch_above_count",
     .attrs = "count=3 batch=8",
     .n = 8,
     .step = {.epoch = 1, .n_valid = 3},
     .expect_step = {.epoch = 2, .n_valid = 3}},
    {.name = "largest_count",
     .attrs = "count=9007199254740992 batch=2",
     .n = 2,
     .step = {.first = 9007199254740989, .n_valid = 2},
     .expect_step = {.first = 9007199254740991, .n_valid = 1}},
    {.name = "no_batch", .attrs = "count=10 batch=0", .error = "batch=0 is out of range"},
    {.name = "no_data", .attrs = "count=0 batch=4", .error = "count=0 is out of range"},
    {.name = "half_an_example", .attrs = "count=10 batch=2.5", .error = "must be a whole number"},
};

void infer_share(const OpTypes& t) {
  t.set_out(0, {});
  t.set_out(1, {});
}

constexpr OutputDef kShareOutputs[] = {{"share", Layout::plain}, {"later", Layout::plain}};
constexpr AttrDef kShareAttrs[] = {
    kBatchAttrs[0],
    {.name = "batch", .initial = 1, .min = 1, .max = 1LL << 31},
    {.name = "accumulate", .initial = 1, .min = 1, .max = 1LL << 20}};

// 23 examples in batches of 4, three a step: 12 examples and 11.
constexpr double kNo[] = {0}, kYes[] = {1}, kWhole[] = {1}, kThird[] = {4.0 / 12},
                 kPart[] = {4.0 / 11}, kRest[] = {3.0 / 11};
constexpr Case kShareCases[] = {
    {.name = "first",
     .attrs = "count=23 batch=4 accumulate=3",
     .n = 4,
     .expect = {kThird, kNo},
     .bench = true},
    {.name = "third",
     .attrs = "count=23 batch=4 accumulate=3",
     .n = 4,
     .expect = {kThird, kYes},
     .step = {.step = 9, .epoch = 2, .first = 8}},
    {.name = "second_step",
     .attrs = "count=23 batch=4 accumulate=3",
     .n = 4,
     .expect = {kPart, kNo},
     .step = {.first = 12}},
    {.name = "last",
     .attrs = "count=23 batch=4 accumulate=3",
     .n = 4,
     .expect = {kRest, kYes},
     .step = {.first = 20, .n_valid = 3}},
    {.name = "lone_batch",
     .attrs = "count=17 batch=4 accumulate=4",
     .n = 4,
     .expect = {kWhole, kNo},
     .step = {.epoch = 1, .first = 16, .n_valid = 1}},
    {.name = "none_accumulated",
     .attrs = "count=23 batch=4",
     .n = 4,
     .expect = {kWhole, kNo},
     .step = {.first = 20, .n_valid = 3}},
    {.name = "no_batch", .attrs = "count=10 batch=0", .error = "batch=0 is out of range"},
    {.name = "no_data", .attrs = "count=0 batch=4", .error = "count=0 is out of range"},
    {.name = "nothing", .attrs = "accumulate=0", .error = "accumulate=0 is out of range"},
};

// Golden values: tests/oracle/step_state.py.
constexpr Case kStepCases[] = {
    {.name = "constant",
     .attrs = "lr=0.25",
     .n = 1,
     .expect_step = {.step = 1, .n_valid = 1, .lr = 0.25}},
    {.name = "cosine",
     .attrs = "schedule=cosine lr=0.2 horizon=4",
     .n = 1,
     .step = {.step = 1},
     .expect_step = {.step = 2, .n_valid = 1, .lr = 0.170710678118655},
     .bench = true},
    {.name = "step",
     .attrs = "schedule=step lr=1 horizon=100",
     .n = 1,
     .step = {.step = 50},
     .expect_step = {.step = 51, .n_valid = 1, .lr = 0.1}},
    {.name = "before_step",
     .attrs = "schedule=step lr=1 horizon=100",
     .n = 1,
     .step = {.step = 49},
     .expect_step = {.step = 50, .n_valid = 1, .lr = 1}},
    {.name = "second_step",
     .attrs = "schedule=step lr=1 horizon=100",
     .n = 1,
     .step = {.step = 75},
     .expect_step = {.step = 76, .n_valid = 1, .lr = 0.01}},
    {.name = "before_milestone",
     .attrs = "schedule=step lr=1 milestones=30,60,80",
     .n = 1,
     .step = {.step = 29},
     .expect_step = {.step = 30, .n_valid = 1, .lr = 1}},
    {.name = "milestone",
     .attrs = "schedule=step lr=1 milestones=30,60,80",
     .n = 1,
     .step = {.step = 30},
     .expect_step = {.step = 31, .n_valid = 1, .lr = 0.1}},
    {.name = "last_milestone",
     .attrs = "schedule=step lr=1 milestones=30,60,80 horizon=10",
     .n = 1,
     .step = {.step = 80},
     .expect_step = {.step = 81, .n_valid = 1, .lr = 0.001}},
    {.name = "cosine_past_the_horizon",
     .attrs = "schedule=cosine lr=0.2 horizon=4",
     .n = 1,
     .step = {.step = 1000},
     .expect_step = {.step = 1001, .n_valid = 1, .lr = 0.0292893218813453}},
    {.name = "one_cycle",
     .attrs = "schedule=one-cycle lr=1 horizon=10",
     .n = 1,
     .step = {.step = 3},
     .expect_step = {.step = 4, .n_valid = 1, .lr = 1}},
    {.name = "one_cycle_begins",
     .attrs = "schedule=one-cycle lr=1 horizon=10",
     .n = 1,
     .expect_step = {.step = 1, .n_valid = 1, .lr = 0.04}},
    {.name = "one_cycle_falls",
     .attrs = "schedule=one-cycle lr=1 horizon=10",
     .n = 1,
     .step = {.step = 6},
     .expect_step = {.step = 7, .n_valid = 1, .lr = 0.611299340931459}},
    {.name = "after_warmup",
     .attrs = "lr=1 warmup=4 horizon=10",
     .n = 1,
     .step = {.step = 4},
     .expect_step = {.step = 5, .n_valid = 1, .lr = 1}},
    {.name = "warmup",
     .attrs = "lr=1 warmup=4 horizon=10",
     .n = 1,
     .step = {.step = 0},
     .expect_step = {.step = 1, .n_valid = 1, .lr = 0.25}},
    {.name = "constant_warmup",
     .attrs = "schedule=step lr=1 warmup=4 warmup_lr=0.1 milestones=2",
     .n = 1,
     .step = {.step = 3},
     .expect_step = {.step = 4, .n_valid = 1, .lr = 0.1}},
    {.name = "after_constant_warmup",
     .attrs = "schedule=step lr=1 warmup=4 warmup_lr=0.1 milestones=9",
     .n = 1,
     .step = {.step = 4},
     .expect_step = {.step = 5, .n_valid = 1, .lr = 1}},
    {.name = "falling_milestones",
     .attrs = "milestones=40,30",
     .error = "milestones must rise, but 40 comes before 30"},
    {.name = "no_milestone", .attrs = "milestones=0", .error = "milestones=0 is out of range"},
    {.name = "no_schedule", .attrs = "schedule=cosinus", .error = "is none of constant"},
    {.name = "no_horizon", .attrs = "horizon=0", .error = "horizon=0 is out of range"},
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
    checked({.name = "batch_share",
             .inputs = none,
             .outputs = kShareOutputs,
             .attrs = kShareAttrs,
             .scope = Scope::whole,
             .infer = infer_share,
             .workspace = no_workspace,
             .reference = {batch_share_ref<float>, batch_share_ref<double>},
             .cuda = cuda_twin(batch_share_cuda),
             .gradient = not_differentiable,
             .cost = cost,
             .fusions = none,
             .cases = kShareCases}),
    checked({.name = "next_step",
             .inputs = none,
             .outputs = none,
             .attrs = kStepAttrs,
             .scope = Scope::whole,
             .infer = infer_step,
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
