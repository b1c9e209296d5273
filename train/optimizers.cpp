#include "train/optimizers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "core/error.h"
#include "train/trainer.h"

namespace cairn {
namespace {

constexpr std::string_view kMomentum[] = {"momentum"};
constexpr std::string_view kMoments[] = {"first_moment", "second_moment"};
constexpr std::string_view kMeanSquare[] = {"mean_square", "momentum"};

// Rates and decays of their own are PyTorch's defaults.
constexpr Optimizer kOptimizers[] = {
    {.name = "sgd", .op = "sgd", .states = kMomentum, .momentum = true},
    {.name = "nesterov", .op = "sgd", .states = kMomentum, .attrs = "nesterov=1", .momentum = true},
    {.name = "adam", .op = "adam", .states = kMoments, .lr = 0.001, .weight_decay = 0},
    {.name = "adamw",
     .op = "adam",
     .states = kMoments,
     .attrs = "decoupled=1",
     .lr = 0.001,
     .weight_decay = 0.01},
    {.name = "rmsprop",
     .op = "rmsprop",
     .states = kMeanSquare,
     .momentum = true,
     .lr = 0.01,
     .weight_decay = 0},
};

}  // namespace

std::span<const Optimizer> all_optimizers() { return kOptimizers; }

const Optimizer& find_optimizer(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Optimizer& optimizer : kOptimizers) {
    if (optimizer.name == name) return optimizer;
    names.push_back(optimizer.name);
  }
  const std::string near = nearest_name(std::string(name), names);
  fail_usage(fmt::format("there is no optimizer '{}'", name),
             near.empty() ? fmt::format("use {}", fmt::join(names, ", "))
                          : fmt::format("did you mean '{}'?", near));
}

std::string optimizer_attrs(const Optimizer& optimizer, const TrainSettings& settings) {
  std::string attrs = fmt::format("{} weight_decay={}", optimizer.attrs, settings.weight_decay);
  if (optimizer.momentum) attrs += fmt::format(" momentum={}", settings.momentum);
  return attrs;
}

}  // namespace cairn
