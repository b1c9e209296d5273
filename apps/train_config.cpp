// From the options of `cairn train` to the configuration of a run.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "apps/runs.h"
#include "core/error.h"
#include "core/op_table.h"
#include "kernels/step_state/step_state.h"
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

/// "32000,48000", as an attribute of the op reads it.
std::vector<int64_t> parse_milestones(const std::string& text) {
  const OpDef& op = find_op("next_step");
  const Attrs attrs = [&] {
    try {
      return Attrs::parse(op.attrs.items, "milestones=" + text, "--milestones");
    } catch (const Error& error) {
      fail_usage(error.what(), "write --milestones 32000,48000");
    }
  }();
  const std::span<const double> values = attrs.values(next_step_attr::milestones);
  if (!std::ranges::is_sorted(values, std::ranges::less_equal()))
    fail_usage(fmt::format("--milestones {} don't rise", text), "write --milestones 32000,48000");
  return {values.begin(), values.end()};
}

/// Those given, else the recipe's where its schedule is the run's.
std::vector<int64_t> milestones_of(const TrainOptions& options, const Recipe& recipe) {
  const bool steps = options.schedule.value_or(std::string(recipe.schedule)) == "step";
  if (options.milestones && !steps)
    fail_usage("--milestones belong to --schedule step", "give both, or neither");
  if (options.milestones) return parse_milestones(*options.milestones);
  if (!steps) return {};
  return {recipe.milestones.begin(), recipe.milestones.end()};
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
  const Recipe& recipe =
      find_recipe(model, options.recipe.value_or(std::string(model.recipe.name)));
  const Optimizer& optimizer =
      find_optimizer(options.optimizer.value_or(std::string(recipe.optimizer)));
  if (!optimizer.momentum && options.momentum)
    fail_usage(fmt::format("--momentum doesn't belong to --optimizer {}", optimizer.name),
               fmt::format("leave it out: {} has its own moments", optimizer.name));
  if (!options.data && model.data.empty())
    fail_usage(fmt::format("{} has no data set of its own: --data is missing", model.name),
               "give a directory with a folder of PNG files for each class, --data DIR, or a name "
               "that `cairn data list` shows");
  // An optimizer with a rate of its own takes nothing from the recipe, which was found with sgd.
  const double momentum = optimizer.lr ? 0 : recipe.momentum;
  RunConfig config;
  config.version = CAIRN_VERSION;
  config.model = model.name;
  config.options = complete_options(model, parse_options(options.set));
  config.data = options.data.value_or(std::string(model.data));
  config.init = options.init;
  config.recipe = recipe.name;
  config.per_pixel_mean = options.mean ? *options.mean == "pixel" : recipe.per_pixel_mean;
  config.epochs = options.epochs.value_or(recipe.epochs);
  config.steps = options.steps;
  config.until_accuracy = options.until_accuracy;
  config.val_split = options.val_split.value_or(0);
  config.checkpoint_every = options.checkpoint_every;
  config.keep = options.keep.value_or(1);
  config.settings = {
      .batch = options.batch.value_or(recipe.batch),
      .accumulate = options.accumulate.value_or(1),
      .optimizer = std::string(optimizer.name),
      .lr = options.lr.value_or(optimizer.lr.value_or(recipe.lr)),
      .momentum = options.momentum.value_or(momentum),
      .weight_decay =
          options.weight_decay.value_or(optimizer.weight_decay.value_or(recipe.weight_decay)),
      .schedule = options.schedule.value_or(std::string(recipe.schedule)),
      .milestones = milestones_of(options, recipe),
      .warmup = options.warmup.value_or(recipe.warmup),
      .warmup_lr = options.warmup_lr.value_or(recipe.warmup_lr),
      .label_smoothing = options.label_smoothing.value_or(recipe.label_smoothing),
      .clip_norm = options.clip_norm,
      .ema = options.ema,
      .precision = options.precision.value_or(TrainSettings().precision),
      .horizon = config.epochs == 0 ? recipe.steps : 1,
      .seed = options.seed.value_or(1),
      .streamed = options.source == "streamed",
      .augment = Augmentation::parse(options.augment.value_or(std::string(recipe.augment)))};
  return config;
}

int64_t horizon_of(const RunConfig& config, int64_t examples) {
  if (config.epochs == 0) return config.settings.horizon;  // the recipe counts in steps
  const int64_t a_step =
      checked_mul(config.settings.batch, config.settings.accumulate, "images of a step");
  return checked_mul((examples - 1) / a_step + 1, config.epochs, "steps of the schedule");
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
  expect_same("--recipe", options.recipe, config.recipe);
  expect_same("--mean", options.mean, std::string(config.per_pixel_mean ? "pixel" : "channel"));
  expect_same("--data", options.data, config.data);
  expect_same("--epochs", options.epochs, config.epochs);
  expect_same("--val-split", options.val_split, config.val_split);
  if (options.clip_norm) expect_same("--clip-norm", options.clip_norm, had.clip_norm.value_or(0));
  if (options.ema) expect_same("--ema", options.ema, had.ema.value_or(0));
  if (options.until_accuracy)
    expect_same("--until-accuracy", options.until_accuracy, config.until_accuracy.value_or(0));
  expect_same("--batch", options.batch, had.batch);
  expect_same("--accumulate", options.accumulate, had.accumulate);
  expect_same("--optimizer", options.optimizer, had.optimizer);
  expect_same("--lr", options.lr, had.lr);
  expect_same("--momentum", options.momentum, had.momentum);
  expect_same("--weight-decay", options.weight_decay, had.weight_decay);
  expect_same("--label-smoothing", options.label_smoothing, had.label_smoothing);
  expect_same("--precision", options.precision, had.precision);
  expect_same("--schedule", options.schedule, had.schedule);
  if (options.milestones && parse_milestones(*options.milestones) != had.milestones)
    expect_same("--milestones", options.milestones,
                fmt::format("{}", fmt::join(had.milestones, ",")));
  expect_same("--warmup", options.warmup, had.warmup);
  expect_same("--warmup-lr", options.warmup_lr, had.warmup_lr);
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
