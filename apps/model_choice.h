// A model and its training as the command line names them: what `cairn train` does, and what
// `cairn plan` and `cairn graph` show without images, memory or device.
#pragma once

#include <cstdint>

#include "apps/args.h"
#include "apps/runs.h"
#include "train/run_folder.h"

namespace cairn {

/// Adds the options that say what is trained and how, from --set to --seed; MODEL is the command's
/// own.
void add_model_options(Command& command, TrainOptions& options);

/// The choice with the recipe's defaults filled in. Sizes are those of the data set in the catalog,
/// or of a directory, which is read.
struct ChosenModel {
  explicit ChosenModel(const TrainOptions& options);

  Dataset data;  // of training images, but without them
  int64_t examples = 0, validation = 0, test = 0;
  bool in_files = false;  // the training images stay there
  Network network;        // normalises by 0 and 1: statistics aren't known
  TrainSettings settings;

 private:
  struct Sizes;
  explicit ChosenModel(const RunConfig& config);
  ChosenModel(const RunConfig& config, const Sizes& sizes);
};

}  // namespace cairn
