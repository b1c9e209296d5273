// The folder of a training run:
//
//   config.json    everything needed to rebuild the run
//   metrics.csv    one row a step
//   summary.json   what came out
//   checkpoint/    train/checkpoint.h; checkpoint-STEP/ are older ones, checkpoint-best/ the one of
//                  the highest accuracy on the validation split
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/conv_choice.h"
#include "data/picture.h"
#include "io/json.h"
#include "train/checkpoint.h"
#include "train/network.h"
#include "train/trainer.h"

namespace cairn {

inline constexpr char kCheckpointFolder[] = "checkpoint";
inline constexpr char kBestFolder[] = "checkpoint-best";

/// What config.json tells: the run as it was asked for, defaults filled in.
struct RunConfig {
  std::string version;  // of Cairn
  std::string model;
  ModelOptions options;
  std::string data;                 // name or directory
  std::optional<std::string> init;  // file of the weights that it began with
  Shape image;                      // (C,H,W)
  int64_t classes = 0;
  std::vector<std::string> class_names;  // empty: "0", "1", ...
  std::optional<PictureStyle> pictures;  // of the training images; none in old files
  Normalization normalization;
  bool per_pixel_mean = false;
  TrainSettings settings;
  std::string recipe = "fast";  // of the model
  int64_t epochs = 0;           // that the schedule spans; 0: settings.horizon isn't told by them
  std::optional<int64_t> steps;
  std::optional<double> until_accuracy;
  double val_split = 0;
  std::optional<int64_t> checkpoint_every;  // steps
  int64_t keep = 1;                         // checkpoints
  std::string device;                       // "cpu"
  int threads = 1;
  std::string simd;  // target of the kernels on the CPU
  ConvChoice conv;   // and batch norm, on CUDA
};

void write_config(const std::filesystem::path& run, const RunConfig& config);
/// An Error that says what a run folder is where `run` is none.
RunConfig read_config(const std::filesystem::path& run);

/// A run as people name it: its folder, or a checkpoint in it.
struct RunPath {
  std::filesystem::path run, checkpoint;

  explicit RunPath(const std::string& name);
};

/// The run in a folder of runs whose model was written last. An Error where there is none.
RunPath newest_run(const std::filesystem::path& runs = "runs");

/// "runs/lenet5-20261124-153012", in local time; with "-2" and so on where that exists already.
std::filesystem::path default_run_folder(std::string_view model);

/// A UsageError where a run may not go to `run`: it is a file, or a folder that holds other things
/// than a run.
void check_run_folder(const std::filesystem::path& run);
/// Makes the folder. One that holds a run moves to `run`.bak, which is returned; else the result
/// is empty. Errors: those of check_run_folder, a folder that can't be made.
std::filesystem::path create_run_folder(const std::filesystem::path& run);

/// What summary.json tells.
struct RunSummary {
  std::string model, data;
  std::string device, hardware;  // "cpu", "cpu (2 threads, AVX3)"
  uint64_t seed = 0;
  int threads = 1;
  int64_t steps = 0, epochs = 0;  // done; epochs are whole ones
  double train_seconds = 0;       // of training steps alone
  double images_per_s = 0;
  std::optional<double> validation_accuracy;
  std::optional<Judgement> best;   // on the validation split
  std::optional<Evaluation> test;  // none after an interrupt
  std::filesystem::path checkpoint;
  bool interrupted = false;
};

/// test_accuracy and test_loss are null after an interrupt. The seed is a number, or a string
/// from 2^63 up.
Json to_json(const RunSummary& summary);
void write_summary(const std::filesystem::path& run, const RunSummary& summary);

}  // namespace cairn
