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

double seconds_between(std::chrono::steady_clock::time_point from,
                       std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

TrainLoop::TrainLoop(Trainer& trainer, MetricsWriter& metrics, const InterruptScope& interrupts,
                     const LoopPlan& plan)
    : trainer_(trainer),
      metrics_(metrics),
      interrupts_(interrupts),
      plan_(plan),
      drained_(trainer.steps()) {}

void TrainLoop::run() {
  const auto reached = [this] {
    return plan_.until_accuracy && judged_ && *judged_ >= *plan_.until_accuracy;
  };
  while (trainer_.steps() < plan_.stop && interrupts_.signal() == 0 && !reached()) run_epoch();
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
    if (trainer_.steps() - drained_ >= kDrainSteps || Clock::now() - since_ >= kDrainInterval)
      drain(bar);
  }
  drain(bar);
  if (trainer_.steps() % a_epoch == 0 && interrupts_.signal() == 0) judge();
  bar.finish(static_cast<double>(trainer_.steps() - epoch_begin_) / static_cast<double>(a_epoch),
             progress());
  if (!animated && !plan_.quiet) fmt::print(stderr, "{}  {}\n", label, progress());
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
  if (failed) {
    metrics_.close();
    fail(fmt::format("the loss is {} at step {}", bad->loss, bad->step),
         "the weights grew beyond bounds: try a smaller --lr, or --warmup");
  }
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

void TrainLoop::judge() {
  if (plan_.judge) judged_ = plan_.judge->run().accuracy;
}

int64_t TrainLoop::images(int64_t steps) const {
  const int64_t a_epoch = trainer_.steps_per_epoch();
  return steps / a_epoch * plan_.examples + steps % a_epoch * trainer_.settings().batch;
}

double TrainLoop::images_per_s() const {
  return seconds_ > 0 ? static_cast<double>(images(drained_)) / seconds_ : 0;
}

std::string TrainLoop::progress() const {
  const auto count =
      static_cast<double>(std::max<int64_t>(1, images(drained_) - images(epoch_begin_)));
  std::string text = fmt::format("loss {:.3f}  accuracy {:.1f}%", epoch_loss_ / count,
                                 100 * epoch_accuracy_ / count);
  if (judged_) text += fmt::format("  {} {}", plan_.judged_on, percent(*judged_));
  text += fmt::format("  {} images/s", human_count(std::llround(images_per_s())));
  if (const int64_t left = plan_.stop - drained_; left > 0)
    text += fmt::format("  {} left", human_duration(seconds_ / static_cast<double>(drained_) *
                                                    static_cast<double>(left)));
  return text;
}

}  // namespace cairn
