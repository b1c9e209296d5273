// What `cairn train` and `cairn eval` do; apps/train.cpp and apps/eval.cpp declare their options.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cairn {

/// What is left out comes from the model's recipe.
struct TrainOptions {
  std::string model, device = "auto", optimizer = "sgd";
  std::vector<std::string> set;  // NAME=VALUE
  std::optional<std::string> data, schedule, out;
  std::optional<int64_t> batch, epochs, steps, warmup;
  std::optional<double> until_accuracy, lr, momentum, weight_decay;
  uint64_t seed = 1;
  int64_t threads = 0;
  double val_split = 0;
  bool json = false, quiet = false;
};

/// Trains, saves and reports. Returns the exit code: 0, or 128 + signal after SIGINT or SIGTERM.
int train(const TrainOptions& options);

struct EvalOptions {
  std::string run, device = "auto";
  std::optional<std::string> data;
  int64_t threads = 0;
  bool json = false;
};

/// Judges a run's model on test images and prints what it found.
int evaluate(const EvalOptions& options);

/// "lenet5, lenet5relu, mlp".
std::string model_names();

}  // namespace cairn
