// What `cairn train` and `cairn eval` do; apps/train.cpp and apps/eval.cpp declare their options.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/support.h"
#include "models/models.h"
#include "train/run_folder.h"

namespace cairn {

/// What is left out comes from the model's recipe.
struct TrainOptions {
  DeviceChoice where;
  std::vector<std::string> set;  // NAME=VALUE
  std::optional<std::string> model, data, optimizer, schedule, source, out, resume, init, augment,
      recipe, milestones, mean, precision;
  std::optional<int64_t> batch, accumulate, epochs, steps, warmup, checkpoint_every, keep;
  std::optional<double> until_accuracy, lr, warmup_lr, momentum, weight_decay, label_smoothing,
      clip_norm, ema, val_split;
  std::optional<uint64_t> seed;
  bool json = false, quiet = false;
};

/// The run as asked for, but for what only data and device can tell.
RunConfig new_config(const TrainOptions& options, const Model& model);

/// Steps that the schedule spans where the run trains on so many examples.
int64_t horizon_of(const RunConfig& config, int64_t examples);

/// The configuration of a run that goes on with options: steps, checkpoints and the place to run
/// may change; a UsageError names the first other option that says something else than the run has.
RunConfig resumed_config(const TrainOptions& options, const RunPath& path);

/// Trains, saves and reports. Returns the exit code: 0, or 128 + signal after SIGINT or SIGTERM.
int train(const TrainOptions& options);

/// What `cairn eval` judges: a run, other weights for its model, or weights and a model by name.
struct EvalOptions {
  DeviceChoice where;
  std::optional<std::string> run, weights, model, data, logits;
  std::vector<std::string> set;  // NAME=VALUE
  bool flip = false, json = false;
  int64_t shift = 0;
};

/// Judges a model on test images and prints what it found.
int evaluate(const EvalOptions& options);

/// "lenet5, lenet5relu, mlp".
std::string model_names();

}  // namespace cairn
