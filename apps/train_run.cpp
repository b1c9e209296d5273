// The work of `cairn train`.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "apps/runs.h"
#include "apps/support.h"
#include "apps/terminal.h"
#include "apps/train_loop.h"
#include "core/error.h"
#include "train/checkpoint.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;

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

/// The run as asked for, but for what only data and device can tell.
RunConfig config_from(const TrainOptions& options, const Model& model) {
  const Recipe& recipe = model.recipe;
  const bool adam = options.optimizer == "adam";
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
  config.val_split = options.val_split;
  config.settings = {.batch = options.batch.value_or(recipe.batch),
                     .optimizer = optimizer_from(options.optimizer),
                     .lr = options.lr.value_or(adam ? kAdamLr : recipe.lr),
                     .momentum = adam ? 0 : options.momentum.value_or(recipe.momentum),
                     .weight_decay = options.weight_decay.value_or(adam ? 0 : recipe.weight_decay),
                     .schedule = options.schedule.value_or(std::string(recipe.schedule)),
                     .warmup = options.warmup.value_or(recipe.warmup),
                     .seed = options.seed};
  return config;
}

/// Completes the configuration by what data and device tell.
void complete(RunConfig& config, const Dataset& train, Device& device) {
  config.image = train.image;
  config.classes = train.classes;
  config.normalization = pixel_statistics(train);
  config.device = device_name(device);
  config.threads = device_threads(device);
  const int64_t steps_per_epoch = (train.size() - 1) / config.settings.batch + 1;
  config.settings.horizon = checked_mul(steps_per_epoch, config.epochs, "steps of the schedule");
}

void tell_new_folder(const fs::path& out) {
  const fs::path backup = create_run_folder(out);
  if (!backup.empty())
    fmt::print(stderr, "{} held a run: it is {} now\n", out.string(), backup.string());
}

void tell_stop(const RunConfig& config, const LoopPlan& plan, int64_t judged_examples) {
  if (plan.stop > config.settings.horizon)
    fmt::print(stderr,
               "the schedule ends at step {}, before --steps {}: --epochs makes it longer\n",
               config.settings.horizon, plan.stop);
  if (config.until_accuracy)
    fmt::print(
        stderr, "--until-accuracy {} is judged on the {} ({} images)\n", *config.until_accuracy,
        plan.judged_on == "test" ? "test set, as there is no --val-split" : "validation split",
        human_count(judged_examples));
}

/// One run, from its data to its summary.
class TrainRun {
 public:
  TrainRun(const TrainOptions& options, const Model& model)
      : options_(options),
        config_(config_from(options, model)),
        out_(options.out ? fs::path(*options.out) : default_run_folder(model.name)) {
    check_run_folder(out_);
    data_ = load_data_or_advise(config_.data);
    validation_ = split_validation(data_.train, config_.val_split, config_.settings.seed);
    device_ = open_and_tell(options.device, options.threads);
    complete(config_, data_.train, *device_);
    network_.emplace(model, config_.options, data_.train, config_.normalization);
    trainer_.emplace(*network_, *device_, data_.train, config_.settings);
  }

  int run() {
    const InterruptScope interrupts;
    tell_new_folder(out_);
    write_config(out_, config_);
    MetricsWriter metrics(out_);
    Evaluator test(*network_, store(), data_.test, "test", kEvaluationBatch, trainer_->scratch());
    std::optional<Evaluator> validation;
    if (validation_.size() > 0)
      validation.emplace(*network_, store(), validation_, "validation", kEvaluationBatch,
                         trainer_->scratch());
    const LoopPlan plan = plan_for(test, validation ? &*validation : nullptr);
    tell_stop(config_, plan, validation ? validation_.size() : data_.test.size());
    TrainLoop loop(*trainer_, metrics, interrupts, plan);
    loop.run();
    metrics.close();
    save_checkpoint(out_ / kCheckpointFolder, store(), trainer_->optimizer_states(),
                    {config_.model, config_.options, options_.optimizer, config_.settings.seed,
                     trainer_->state()});
    RunSummary summary = summarize(loop);
    if (validation) summary.validation_accuracy = loop.judged_accuracy();
    summary.interrupted = interrupts.signal() != 0;
    if (!summary.interrupted) summary.test = test.run();
    write_summary(out_, summary);
    report(summary);
    return interrupts.signal() == 0 ? 0 : 128 + interrupts.signal();
  }

 private:
  Store& store() { return trainer_->store(); }

  LoopPlan plan_for(Evaluator& test, Evaluator* validation) const {
    LoopPlan plan{.stop = config_.steps.value_or(config_.settings.horizon),
                  .examples = data_.train.size(),
                  .judge = validation,
                  .judged_on = validation ? "validation" : "test",
                  .until_accuracy = config_.until_accuracy,
                  .quiet = options_.quiet};
    if (!validation && config_.until_accuracy) plan.judge = &test;
    return plan;
  }

  RunSummary summarize(const TrainLoop& loop) const {
    RunSummary summary;
    summary.model = config_.model;
    summary.data = config_.data;
    summary.device = config_.device;
    summary.hardware = device_->description();
    summary.seed = config_.settings.seed;
    summary.threads = config_.threads;
    summary.steps = trainer_->steps();
    summary.epochs = trainer_->steps() / trainer_->steps_per_epoch();
    summary.train_seconds = loop.train_seconds();
    summary.images_per_s = loop.images_per_s();
    summary.checkpoint = out_ / kCheckpointFolder;
    return summary;
  }

  void report(const RunSummary& summary) const {
    if (summary.interrupted)
      fmt::print(stderr, "interrupted: the run was saved at step {}\n", summary.steps);
    if (options_.json) {
      fmt::print("{}\n", to_json(summary).dump());
      return;
    }
    Table table({{""}, {""}});
    table.add_row({"time", human_duration(summary.train_seconds)});
    table.add_row({"images/s", human_count(std::llround(summary.images_per_s))});
    table.add_row({"test accuracy",
                   summary.test ? percent(summary.test->accuracy) : "not measured: interrupted"});
    table.add_row({"run folder", out_.string()});
    table.add_row({"checkpoint", summary.checkpoint.string()});
    table.print(stdout);
  }

  const TrainOptions& options_;
  RunConfig config_;
  fs::path out_;
  DataSplits data_;
  Dataset validation_;
  std::unique_ptr<Device> device_;
  std::optional<Network> network_;
  std::optional<Trainer> trainer_;
};

}  // namespace

int train(const TrainOptions& options) {
  return TrainRun(options, find_model(options.model)).run();
}

std::string model_names() {
  std::vector<std::string_view> names;
  for (const Model* model : all_models()) names.push_back(model->name);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace cairn
