#include "apps/train_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "apps/support.h"
#include "core/error.h"

namespace cairn {
namespace {

constexpr int64_t kDrainSteps = 256;
constexpr auto kDrainInterval = std::chrono::milliseconds(250);
constexpr auto kSaveInterval = std::chrono::seconds(10);

double seconds_between(std::chrono::steady_clock::time_point from,
                       std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

TrainLoop::TrainLoop(Trainer& trainer, MetricsWriter& metrics, const InterruptScope& interrupts,
                     LoopPlan plan, const Judgements& judgements, const std::vector<double>& rates)
    : trainer_(trainer),
      metrics_(metrics),
      interrupts_(interrupts),
      plan_(std::move(plan)),
      judgements_(judgements),
      saved_(trainer.steps()),
      drained_(trainer.steps()) {
  for (size_t i = 0; i < rates.size(); ++i) {
    const auto step = static_cast<int64_t>(i);
    if (rates[i] > 0) seconds_ += static_cast<double>(images(step + 1) - images(step)) / rates[i];
  }
}

void TrainLoop::run() {
  if (trainer_.steps() > 0 && at_epoch_end() && !is_judged()) judge();
  while (trainer_.steps() < plan_.stop && interrupts_.signal() == 0 && !is_reached()) run_epoch();
  if (saved_ != trainer_.steps()) save();
}

void TrainLoop::run_epoch() {
  const int64_t a_epoch = trainer_.steps_per_epoch(), epoch = trainer_.steps() / a_epoch;
  const int64_t end = std::min(plan_.stop, (epoch + 1) * a_epoch);
  const std::string label =
      fmt::format("epoch {}/{}", epoch + 1, (plan_.stop + a_epoch - 1) / a_epoch);
  ProgressBar bar(label, plan_.quiet);
  const bool animated = bar.due();
  epoch_begin_ = trainer_.steps();
  epoch_loss_ = epoch_accuracy_ = 0;
  since_ = Clock::now();
  while (trainer_.steps() < end && interrupts_.signal() == 0) {
    trainer_.step();
    const bool due = plan_.checkpoint_every && trainer_.steps() % *plan_.checkpoint_every == 0 &&
                     !at_epoch_end();
    if (due || trainer_.steps() - drained_ >= kDrainSteps ||
        Clock::now() - since_ >= kDrainInterval)
      drain(bar);
    if (due) save();
  }
  drain(bar);
  if (at_epoch_end() && interrupts_.signal() == 0) {
    judge();
    if (plan_.checkpoint_every ? trainer_.steps() % *plan_.checkpoint_every == 0
                               : Clock::now() - saved_at_ >= kSaveInterval)
      save();
  }
  bar.finish(static_cast<double>(trainer_.steps() - epoch_begin_) / static_cast<double>(a_epoch),
             progress());
  if (!animated && !plan_.quiet) fmt::print(stderr, "{}  {}\n", label, progress());
}

void TrainLoop::save() {
  metrics_.flush();
  plan_.save(judgements_);
  saved_ = trainer_.steps();
  saved_at_ = since_ = Clock::now();
}

void TrainLoop::drain(ProgressBar& bar) {
  const std::vector<StepRecord> records = trainer_.drain();
  const double seconds = seconds_between(since_, Clock::now());
  seconds_ += seconds;
  const int64_t count = images(trainer_.steps()) - images(drained_);
  drained_ = trainer_.steps();
  const auto bad = std::find_if(records.begin(), records.end(),
                                [](const StepRecord& r) { return !std::isfinite(r.loss); });
  const bool failed = bad != records.end();
  metrics_.write(std::span(records.begin(), failed ? bad + 1 : bad),
                 seconds > 0 ? static_cast<double>(count) / seconds : 0);
  if (failed) give_up(*bad);
  for (const StepRecord& r : records) {
    const auto n = static_cast<double>(images(r.step) - images(r.step - 1));
    epoch_loss_ += n * r.loss, epoch_accuracy_ += n * r.accuracy;
  }
  if (bar.due()) {
    const double done = static_cast<double>(drained_ - epoch_begin_);
    bar.update(done / static_cast<double>(trainer_.steps_per_epoch()), progress());
  }
  since_ = Clock::now();
}

void TrainLoop::give_up(const StepRecord& record) {
  metrics_.flush();
  const std::string tensor = plan_.diagnose(record.step);
  std::string hint = "the weights grew beyond bounds: try a smaller --lr, or --warmup";
  if (saved_ > 0) hint += fmt::format("\nthe run is saved as it was at step {}", saved_);
  fail(fmt::format("the loss is {} at step {}{}", std::isnan(record.loss) ? "nan" : "infinite",
                   record.step,
                   tensor.empty() ? "" : "; the first tensor that isn't finite is " + tensor),
       hint);
}

void TrainLoop::judge() {
  if (!plan_.judge) return;
  const Judgement now{trainer_.steps(), plan_.judge().accuracy};
  judgements_.latest = now;
  if (judgements_.best && judgements_.best->accuracy >= now.accuracy) return;
  judgements_.best = now;
  plan_.save_best(judgements_);
}

bool TrainLoop::is_judged() const {
  return judgements_.latest && judgements_.latest->step == trainer_.steps();
}

bool TrainLoop::is_reached() const {
  return plan_.until_accuracy && is_judged() &&
         judgements_.latest->accuracy >= *plan_.until_accuracy;
}

int64_t TrainLoop::images(int64_t steps) const {
  const int64_t a_epoch = trainer_.steps_per_epoch();
  return steps / a_epoch * plan_.examples +
         steps % a_epoch * trainer_.settings().batch * trainer_.settings().accumulate;
}

double TrainLoop::images_per_s() const {
  return seconds_ > 0 ? static_cast<double>(images(drained_)) / seconds_ : 0;
}

std::string TrainLoop::progress() const {
  const auto count =
      static_cast<double>(std::max<int64_t>(1, images(drained_) - images(epoch_begin_)));
  std::string text = fmt::format("loss {:.3f}  accuracy {:.1f}%", epoch_loss_ / count,
                                 100 * epoch_accuracy_ / count);
  if (judgements_.latest)
    text += fmt::format("  {} {}", plan_.judged_on, percent(judgements_.latest->accuracy));
  text += fmt::format("  {} images/s", human_count(std::llround(images_per_s())));
  if (const int64_t left = plan_.stop - drained_; left > 0)
    text += fmt::format("  {} left", human_duration(seconds_ / static_cast<double>(drained_) *
                                                    static_cast<double>(left)));
  return text;
}

}  // namespace cairn
