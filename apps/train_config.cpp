// From the options of `cairn train` to the configuration of a run.
#include <fmt/format.h>

#include "apps/runs.h"
#include "core/error.h"
#include "train/optimizers.h"

namespace cairn {
namespace {

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
  const Optimizer& optimizer = find_optimizer(options.optimizer.value_or("sgd"));
  if (!optimizer.momentum && options.momentum)
    fail_usage(fmt::format("--momentum doesn't belong to --optimizer {}", optimizer.name),
               fmt::format("leave it out: {} has its own moments", optimizer.name));
  // An optimizer with a rate of its own takes nothing from the recipe, which was found with sgd.
  const double momentum = optimizer.lr ? 0 : recipe.momentum;
  RunConfig config;
  config.version = CAIRN_VERSION;
  config.model = model.name;
  config.options = complete_options(model, parse_options(options.set));
  config.data = options.data.value_or(std::string(model.data));
  config.init = options.init;
  config.epochs = options.epochs.value_or(recipe.epochs);
  config.steps = options.steps;
  config.until_accuracy = options.until_accuracy;
  config.val_split = options.val_split.value_or(0);
  config.checkpoint_every = options.checkpoint_every;
  config.keep = options.keep.value_or(1);
  config.settings = {
      .batch = options.batch.value_or(recipe.batch),
      .optimizer = std::string(optimizer.name),
      .lr = options.lr.value_or(optimizer.lr.value_or(recipe.lr)),
      .momentum = options.momentum.value_or(momentum),
      .weight_decay =
          options.weight_decay.value_or(optimizer.weight_decay.value_or(recipe.weight_decay)),
      .schedule = options.schedule.value_or(std::string(recipe.schedule)),
      .warmup = options.warmup.value_or(recipe.warmup),
      .clip_norm = options.clip_norm,
      .ema = options.ema,
      .seed = options.seed.value_or(1),
      .streamed = options.source == "streamed",
      .augment = Augmentation::parse(options.augment.value_or(std::string(recipe.augment)))};
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
  if (options.clip_norm) expect_same("--clip-norm", options.clip_norm, had.clip_norm.value_or(0));
  if (options.ema) expect_same("--ema", options.ema, had.ema.value_or(0));
  if (options.until_accuracy)
    expect_same("--until-accuracy", options.until_accuracy, config.until_accuracy.value_or(0));
  expect_same("--batch", options.batch, had.batch);
  expect_same("--optimizer", options.optimizer, had.optimizer);
  expect_same("--lr", options.lr, had.lr);
  expect_same("--momentum", options.momentum, had.momentum);
  expect_same("--weight-decay", options.weight_decay, had.weight_decay);
  expect_same("--schedule", options.schedule, had.schedule);
  expect_same("--warmup", options.warmup, had.warmup);
  expect_same("--seed", options.seed, had.seed);
  if (options.augment)
    expect_same("--augment", std::optional(Augmentation::parse(*options.augment).to_string()),
                had.augment.to_string());
  if (options.out && RunPath(*options.out).run != path.run)
    expect_same("--out", options.out, path.run.string());
  if (options.source) config.settings.streamed = *options.source == "streamed";
  if (options.steps) config.steps = options.steps;
  if (options.checkpoint_every) config.checkpoint_every = options.checkpoint_every;
  if (options.keep) config.keep = *options.keep;
  return config;
}

}  // namespace cairn
