// A model and its training as the command line names them, without data, memory or device: what
// `cairn plan` and `cairn graph` show.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/args.h"
#include "train/run_folder.h"

namespace cairn {

struct ModelChoice {
  std::string model;
  std::vector<std::string> set;  // NAME=VALUE
  std::optional<std::string> data, source, optimizer;
  std::optional<int64_t> batch;
};

/// Adds MODEL, --set, --data, --source, --batch and --optimizer.
void add_model_options(Command& command, ModelChoice& choice);

/// The choice with the model's defaults filled in; images are as the data set's in the catalog, or
/// as those of a directory, which is read.
struct ChosenModel {
  explicit ChosenModel(const ModelChoice& choice);

  Dataset data;  // holds no images
  int64_t examples = 0;
  Network network;
  TrainSettings settings;

 private:
  ChosenModel(const Model& model, const RunConfig& config);
  ChosenModel(const Model& model, const RunConfig& config,
              const std::pair<Dataset, int64_t>& images);
};

}  // namespace cairn
