// The loop behind `cairn train`: steps, rows of metrics.csv, checkpoints, progress on stderr.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "apps/terminal.h"
#include "data/interrupt.h"
#include "train/checkpoint.h"
#include "train/metrics.h"
#include "train/trainer.h"

namespace cairn {

/// What the validation split (or the test set) said so far.
struct Judgements {
  std::optional<Judgement> latest, best;
};

/// When the loop ends, what it judges by, and what it does on the way.
struct LoopPlan {
  int64_t stop = 0;                        // total steps
  int64_t examples = 0;                    // of an epoch
  std::function<Evaluation()> judge = {};  // asked after each whole epoch
  std::string judged_on;                   // "validation", "test"
  std::optional<double> until_accuracy;
  std::optional<int64_t> checkpoint_every;  // steps; else at an epoch's end, every 10 s at most
  /// Called at a checkpoint, after all records are drained; and where the accuracy is the best yet.
  std::function<void(const Judgements&)> save = {}, save_best = {};
  /// Where a loss isn't finite: the first tensor of that step which isn't.
  std::function<std::string(int64_t step)> diagnose = {};
  bool quiet = false;
};

class TrainLoop {
 public:
  /// Goes on from the trainer's state, with what was judged before and the images_per_s that
  /// metrics.csv has of each step so far.
  TrainLoop(Trainer& trainer, MetricsWriter& metrics, const InterruptScope& interrupts,
            LoopPlan plan, const Judgements& judgements, const std::vector<double>& rates);

  /// Trains until the last step, the wanted accuracy or a signal, and saves. An Error that names
  /// the step and the tensor where a loss isn't finite; nothing is saved then.
  void run();

  /// Time of the training steps alone: no evaluation, no output.
  double train_seconds() const { return seconds_; }
  double images_per_s() const;
  const Judgements& judgements() const { return judgements_; }

 private:
  using Clock = std::chrono::steady_clock;

  void run_epoch();
  void drain(ProgressBar& bar);
  [[noreturn]] void give_up(const StepRecord& record);
  void judge();
  bool is_judged() const;
  bool is_reached() const;
  void save();
  bool at_epoch_end() const { return trainer_.steps() % trainer_.steps_per_epoch() == 0; }
  int64_t images(int64_t steps) const;
  std::string progress() const;

  Trainer& trainer_;
  MetricsWriter& metrics_;
  const InterruptScope& interrupts_;
  LoopPlan plan_;
  Judgements judgements_;
  double seconds_ = 0;
  Clock::time_point since_;                     // begin of the steps that aren't drained yet
  Clock::time_point saved_at_ = Clock::now();   // the latest checkpoint
  int64_t saved_ = 0;                           // its step
  int64_t drained_ = 0, epoch_begin_ = 0;       // steps
  double epoch_loss_ = 0, epoch_accuracy_ = 0;  // sums over the epoch's images
};

}  // namespace cairn
