// From the options of `cairn train` to the configuration of a run.
#include <fmt/format.h>

#include "apps/runs.h"
#include "core/error.h"

namespace cairn {
namespace {

constexpr double kAdamLr = 0.001;  // Kingma and Ba 2015

ModelOptions parse_options(const std::vector<std::string>& words) {
  ModelOptions options;
  for (const std::string& word : words) {
    const size_t at = word.find('=');
    if (at == std::string::npos || at == 0)
      fail_usage(fmt::format("--set \"{}\" is not NAME=VALUE", word), "write --set widths=300,100");
    options[word.substr(0, at)] = word.substr(at + 1);
  }
  return options;
}

/// A UsageError where an option says something else than the run has.
template <class T>
void expect_same(std::string_view option, const std::optional<T>& given, const T& had) {
  if (given && *given != had)
    fail_usage(
        fmt::format("{} {} can't change in a run that goes on: it has {}", option, *given, had),
        "leave it out, or start a new run without --resume");
}

}  // namespace

RunConfig new_config(const TrainOptions& options, const Model& model) {
  const Recipe& recipe = model.recipe;
  const std::string optimizer = options.optimizer.value_or("sgd");
  const bool adam = optimizer == "adam";
  if (adam && options.momentum)
    fail_usage("--momentum belongs to --optimizer sgd", "leave it out: adam has its own moments");
  RunConfig config;
  config.version = CAIRN_VERSION;
  config.model = model.name;
  config.options = complete_options(model, parse_options(options.set));
  config.data = options.data.value_or(std::string(model.data));
  config.epochs = options.epochs.value_or(recipe.epochs);
  config.steps = options.steps;
  config.until_accuracy = options.until_accuracy;
  config.val_split = options.val_split.value_or(0);
  config.checkpoint_every = options.checkpoint_every;
  config.keep = options.keep.value_or(1);
  config.settings = {.batch = options.batch.value_or(recipe.batch),
                     .optimizer = optimizer_from(optimizer),
                     .lr = options.lr.value_or(adam ? kAdamLr : recipe.lr),
                     .momentum = adam ? 0 : options.momentum.value_or(recipe.momentum),
                     .weight_decay = options.weight_decay.value_or(adam ? 0 : recipe.weight_decay),
                     .schedule = options.schedule.value_or(std::string(recipe.schedule)),
                     .warmup = options.warmup.value_or(recipe.warmup),
                     .seed = options.seed.value_or(1)};
  return config;
}

RunConfig resumed_config(const TrainOptions& options, const RunPath& path) {
  RunConfig config = read_config(path.run);
  const TrainSettings& had = config.settings;
  expect_same("MODEL", options.model, config.model);
  for (const auto& [name, value] : parse_options(options.set)) {
    const auto at = config.options.find(name);
    expect_same("--set " + name, std::optional(value),
                at == config.options.end() ? std::string("no such option") : at->second);
  }
  expect_same("--data", options.data, config.data);
  expect_same("--epochs", options.epochs, config.epochs);
  expect_same("--val-split", options.val_split, config.val_split);
  if (options.until_accuracy)
    expect_same("--until-accuracy", options.until_accuracy, config.until_accuracy.value_or(0));
  expect_same("--batch", options.batch, had.batch);
  expect_same("--optimizer", options.optimizer, std::string(name_of(had.optimizer)));
  expect_same("--lr", options.lr, had.lr);
  expect_same("--momentum", options.momentum, had.momentum);
  expect_same("--weight-decay", options.weight_decay, had.weight_decay);
  expect_same("--schedule", options.schedule, had.schedule);
  expect_same("--warmup", options.warmup, had.warmup);
  expect_same("--seed", options.seed, had.seed);
  if (options.out && RunPath(*options.out).run != path.run)
    expect_same("--out", options.out, path.run.string());
  if (options.steps) config.steps = options.steps;
  if (options.checkpoint_every) config.checkpoint_every = options.checkpoint_every;
  if (options.keep) config.keep = *options.keep;
  return config;
}

}  // namespace cairn
