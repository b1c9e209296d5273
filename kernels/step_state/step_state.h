// The first kernels of a step: they advance the StepState that all others read.
//
//   next_batch: first += n_valid; at the end of the data (first >= count) epoch += 1 and first = 0;
//               n_valid = min(batch, count - first)
//   next_step:  step += 1; lr = scheduled_lr(rate, step)
//
// They have neither inputs nor outputs. Where an epoch's batches make steps of `accumulate` batches
// each, the last of what is left,
//
//   batch_share:  share = n_valid / examples of the step that the batch belongs to
//                 later = 0 for the first batch of its step, 1 for the others
//
// plain float scalars both. Errors: attributes out of range, milestones that don't rise. Sources:
// those of the schedules, at scheduled_lr.
#pragma once

#include <cmath>
#include <string_view>

#include "core/cuda/arch/cos_pi.h"
#include "core/op.h"

namespace cairn {

enum class Schedule : int { constant = 0, step = 1, cosine = 2, one_cycle = 3 };
inline constexpr std::string_view kSchedules[] = {"constant", "step", "cosine", "one-cycle"};

/// The schedule of that name; a UsageError lists them.
Schedule schedule_from(std::string_view name);

inline constexpr int kMaxMilestones = 8;

/// What a learning rate follows.
struct LearningRate {
  Schedule schedule = Schedule::constant;
  double lr = 0.1;
  int64_t warmup = 0;                       // updates
  double warmup_lr = 0;                     // of all of them; 0: it rises
  int64_t horizon = 1;                      // updates that the schedule spans
  int64_t milestones[kMaxMilestones] = {};  // updates, rising
  int count = 0;                            // of milestones
};

/// The learning rate of update `step`, counted from 1, of a schedule that spans `horizon` updates
/// and then stays at its last value. With t = (step - 1) / horizon, which is below 1:
///   constant:   lr
///   step:       lr, lr / 10 from t = 0.5, lr / 100 from t = 0.75; or, where milestones are given,
///               another tenth after each of those numbers of updates (He et al. 2015)
///   cosine:     lr (1 + cos(pi t)) / 2 (Loshchilov and Hutter 2017)
///   one-cycle:  linear from lr / 25 to lr at t = 0.3, then a cosine that would reach lr / 10^4 at
///               t = 1 (Smith 2018)
/// Update s of the first `warmup` ones has s / warmup of that (Goyal et al. 2017), or warmup_lr
/// where that isn't 0 (He et al. 2015).
CAIRN_HD inline double scheduled_lr(const LearningRate& rate, int64_t step) {
  const Schedule schedule = rate.schedule;
  if (step <= rate.warmup && rate.warmup_lr > 0) return rate.warmup_lr;
  const int64_t last = rate.horizon > 1 ? rate.horizon : 1;
  const double t = static_cast<double>((step < last ? step : last) - 1) / static_cast<double>(last);
  double factor = 1;
  if (schedule == Schedule::step && rate.count == 0) factor = t < 0.5 ? 1 : t < 0.75 ? 0.1 : 0.01;
  if (schedule == Schedule::step)
    for (int i = 0; i < rate.count && step > rate.milestones[i]; ++i) factor *= 0.1;
  if (schedule == Schedule::cosine) factor = 0.5 * (1 + cos_pi(t));
  if (schedule == Schedule::one_cycle) {
    constexpr double kRise = 0.3, kStart = 1.0 / 25, kEnd = 1e-4;
    factor = t < kRise ? kStart + (1 - kStart) * t / kRise
                       : kEnd + (1 - kEnd) * 0.5 * (1 + cos_pi((t - kRise) / (1 - kRise)));
  }
  if (step <= rate.warmup) factor *= static_cast<double>(step) / static_cast<double>(rate.warmup);
  return rate.lr * factor;
}

namespace next_batch_attr {
enum { count, batch, accumulate };  // the last of batch_share alone
}
namespace next_step_attr {
enum { schedule, lr, warmup, horizon, milestones, warmup_lr };
}

/// What the attributes of next_step ask for.
LearningRate learning_rate_of(const Attrs& attrs);

/// `state` after next_batch.
CAIRN_HD inline StepState advance_batch(StepState state, int64_t count, int64_t batch) {
  state.first += state.n_valid;
  if (state.first >= count) {
    ++state.epoch;
    state.first = 0;
  }
  state.n_valid = count - state.first < batch ? count - state.first : batch;
  return state;
}

/// Which part of its step's examples the present batch has, and whether others came before it.
struct BatchShare {
  double share;
  bool later;
};
CAIRN_HD inline BatchShare batch_share(const StepState& state, int64_t count, int64_t batch,
                                       int64_t accumulate) {
  const int64_t number = state.first / batch, begin = number / accumulate * accumulate * batch;
  const int64_t left = count - begin, most = batch * accumulate;
  const double examples = static_cast<double>(left < most ? left : most);
  return {static_cast<double>(state.n_valid) / examples, number % accumulate != 0};
}

template <class Real>
void batch_share_ref(const Args& args);
void next_batch_ref(const Args& args);
void next_step_ref(const Args& args);

void batch_share_cuda(const Args& args, CudaContext& context);
void next_batch_cuda(const Args& args, CudaContext& context);
void next_step_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
