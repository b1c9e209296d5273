// The models that `cairn train MODEL` knows. A file of models/ exports its rows; CMake makes the
// table from the file names, so that adding a model adds a file and changes none.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "core/shape.h"
#include "layers/layers.h"

namespace cairn {

/// Options of a model by name, as given by `--set NAME=VALUE`.
using ModelOptions = std::map<std::string, std::string>;

/// An option's name, default and meaning.
struct ModelOption {
  std::string_view name, initial, help;
};

/// The training that a model takes unless told otherwise; `--recipe` names another one.
struct Recipe {
  std::string_view name = "fast";
  int64_t epochs = 5, batch = 64, warmup = 0;
  double lr = 0.1, momentum = 0.9, weight_decay = 5e-4;
  std::string_view schedule = "cosine";
  std::string_view augment = "none";         // train/augmentation.h
  int64_t steps = 0;                         // in place of epochs
  std::span<const int64_t> milestones = {};  // TrainSettings::milestones
  double warmup_lr = 0;                      // TrainSettings::warmup_lr
  bool per_pixel_mean = false;               // pixel_statistics
  std::string_view optimizer = "sgd";        // train/optimizers.h
  double label_smoothing = 0;                // TrainSettings::label_smoothing
};

struct Model {
  std::string_view name;
  std::string_view summary;
  std::string_view data;  // the data set that it is made for; empty: none that Cairn can fetch
  int64_t size = 0;       // height and width of its input; images are padded up to it; 0: any
  Recipe recipe;
  std::span<const ModelOption> options;
  /// Builds the layers for input (C,size,size) and a number of classes. `options` holds every
  /// option.
  Sequential (*build)(const Shape& input, int64_t classes, const ModelOptions& options) = nullptr;
  std::span<const Recipe> more_recipes = {};
};

/// The rows of each file (made by CMake).
std::span<const std::span<const Model>* const> model_files();

std::vector<const Model*> all_models();
/// The model of that name; a UsageError that lists them and names the nearest where there is none.
const Model& find_model(std::string_view name);
/// The model's recipe of that name; a UsageError that lists them where there is none.
const Recipe& find_recipe(const Model& model, std::string_view name);
/// Defaults overridden by `given`; a UsageError for an option that the model doesn't have.
ModelOptions complete_options(const Model& model, const ModelOptions& given);

}  // namespace cairn
