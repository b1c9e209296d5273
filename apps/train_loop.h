// The loop behind `cairn train`: steps, rows of metrics.csv, progress on stderr.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "apps/terminal.h"
#include "data/interrupt.h"
#include "train/run_folder.h"
#include "train/trainer.h"

namespace cairn {

/// When the loop ends and what it judges by.
struct LoopPlan {
  int64_t stop = 0;            // total steps
  int64_t examples = 0;        // of an epoch
  Evaluator* judge = nullptr;  // asked after each whole epoch
  std::string judged_on;       // "validation", "test"
  std::optional<double> until_accuracy;
  bool quiet = false;
};

class TrainLoop {
 public:
  TrainLoop(Trainer& trainer, MetricsWriter& metrics, const InterruptScope& interrupts,
            const LoopPlan& plan);

  /// Trains until the last step, the wanted accuracy or a signal. An Error that names the step
  /// where a loss isn't finite.
  void run();

  /// Time of the training steps alone: no evaluation, no output.
  double train_seconds() const { return seconds_; }
  double images_per_s() const;
  /// The judge's latest.
  const std::optional<double>& judged_accuracy() const { return judged_; }

 private:
  using Clock = std::chrono::steady_clock;

  void run_epoch();
  void drain(ProgressBar& bar);
  void judge();
  int64_t images(int64_t steps) const;
  std::string progress() const;

  Trainer& trainer_;
  MetricsWriter& metrics_;
  const InterruptScope& interrupts_;
  LoopPlan plan_;
  double seconds_ = 0;
  std::optional<double> judged_;
  Clock::time_point since_;                     // begin of the steps that aren't drained yet
  int64_t drained_ = 0, epoch_begin_ = 0;       // steps
  double epoch_loss_ = 0, epoch_accuracy_ = 0;  // sums over the epoch's images
};

}  // namespace cairn
