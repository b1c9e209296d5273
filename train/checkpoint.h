// Checkpoints: a directory that holds all a run needs to go on, and all a reader needs of a model.
//
//   model.safetensors   every parameter and buffer (batch norm's running averages), float32, under
//                       PyTorch's name and in its shape; where the run keeps the parameters' moving
//                       average, that
//   state.safetensors   the optimizer's states, float32: "momentum.conv1.weight" and so on; with an
//                       average also the parameters themselves: "parameters.conv1.weight"
//   checkpoint.json     format version, model and options, optimizer, seed, StepState, what judging
//                       on the validation split found
//
// Together with the run's config.json that is everything: random numbers and the data's order
// depend on the seed and the step alone. Equal runs make equal bytes: no time, path, host or thread
// count goes in.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/step_state.h"
#include "core/store.h"
#include "io/json.h"
#include "models/models.h"

namespace cairn {

inline constexpr char kModelFile[] = "model.safetensors";

/// The accuracy, a fraction, that was found after a step.
struct Judgement {
  int64_t step = 0;
  double accuracy = 0;
};

/// What checkpoint.json tells.
struct CheckpointInfo {
  std::string model;
  ModelOptions options;
  std::string optimizer;  // "sgd"
  uint64_t seed = 0;      // written as a string: JSON readers may round numbers above 2^53
  StepState state;
  std::optional<Judgement> judged = {},
                           best = {};  // the latest and the highest (the first of equals)
};

/// The flat buffers of a store that a checkpoint keeps: that of model.safetensors, and those of
/// state.safetensors (Trainer::checkpoint_buffers()).
struct CheckpointBuffers {
  std::string model{kParameters};
  std::vector<std::string> states = {};
};

/// Writes the checkpoint beside `directory` and puts it in its place as a whole. Of the checkpoints
/// before it the newest `keep` - 1 are kept as DIRECTORY-STEP. Wait for the device before.
void save_checkpoint(const std::filesystem::path& directory, const Store& store,
                     const CheckpointBuffers& buffers, const CheckpointInfo& info,
                     int64_t keep = 1);

/// Whether there is a checkpoint.
bool holds_checkpoint(const std::filesystem::path& directory);
/// Reads checkpoint.json alone.
CheckpointInfo read_checkpoint_info(const std::filesystem::path& directory);

/// Reads the buffers back into a store that has them, and returns the rest. Errors: those of
/// load_parameters, for state.safetensors too; a format version that isn't known.
CheckpointInfo load_checkpoint(const std::filesystem::path& directory, Store& store,
                               const CheckpointBuffers& buffers);

/// Reads weights, a model.safetensors or a state dict saved from PyTorch, into the parameters and
/// buffers of a store. float64 and bfloat16 are converted. Nothing is written unless the file holds
/// each parameter in its shape and no other tensor; else an Error names the first that differs.
void load_parameters(const std::filesystem::path& file, Store& store);

/// Model options as a JSON object of strings, and back.
Json options_to_json(const ModelOptions& options);
ModelOptions options_from_json(const Json& json);

/// A seed written as a string; `what` names the file in errors.
uint64_t seed_from_json(const Json& json, const std::string& what);

}  // namespace cairn
