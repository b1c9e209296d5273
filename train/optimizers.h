// The optimizers that `--optimizer` knows: rows over the ops that do the work.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cairn {

struct TrainSettings;

struct Optimizer {
  std::string_view name;  // "adamw"
  std::string_view op;    // "adam": inputs are parameters, gradients, `states`, the segment table
  std::span<const std::string_view> states;  // flat buffers that it keeps, by name
  std::string_view attrs = {};               // of the op, beside momentum and weight_decay
  bool momentum = false;                     // the op has that attribute
  // What a run takes where nothing is said; none: the model's.
  std::optional<double> lr = {}, weight_decay = {};
};

std::span<const Optimizer> all_optimizers();
/// "sgd", "nesterov", "adam", "adamw" or "rmsprop"; a UsageError lists them.
const Optimizer& find_optimizer(std::string_view name);
/// The attributes of the op's node.
std::string optimizer_attrs(const Optimizer& optimizer, const TrainSettings& settings);

}  // namespace cairn
