// The work of `cairn train`.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "apps/runs.h"
#include "apps/support.h"
#include "apps/terminal.h"
#include "apps/train_loop.h"
#include "core/error.h"
#include "core/simd.h"
#include "io/files.h"
#include "train/checkpoint.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;

/// Completes the configuration by what data and device tell.
void complete(RunConfig& config, const Dataset& train, Device& device) {
  config.image = train.image;
  config.classes = train.classes;
  config.class_names = train.class_names;
  config.pictures = picture_style(train);
  config.normalization = pixel_statistics(train, config.per_pixel_mean);
  config.device = device_name(device);
  config.threads = device_threads(device);
  config.simd = simd_target();
  config.conv = device.conv();
  config.settings.horizon = horizon_of(config, train.size());
}

/// Where a run goes on: on its device, with its SIMD target and its convolutions, so that it ends
/// in the same bits, unless others were asked for. A machine without that target takes its best and
/// says so.
DeviceChoice as_before(DeviceChoice choice, const RunConfig& had) {
  if (choice.device == "auto") choice.device = had.device;
  choice.run_conv = had.conv;
  if (choice.simd != "auto" || had.simd.empty()) return choice;
  const std::vector<std::string> here = simd_targets();
  if (std::ranges::find(here, had.simd) != here.end())
    choice.simd = had.simd;
  else
    fmt::print(stderr, "the run began with {}, this machine has {}: the last bits may differ\n",
               had.simd, fmt::join(here, ", "));
  return choice;
}

/// An Error where a run that goes on would meet other data than it knows.
void expect_same_data(const RunConfig& had, const RunConfig& now) {
  if (had.image != now.image || had.classes != now.classes || had.class_names != now.class_names ||
      had.normalization.mean != now.normalization.mean ||
      had.normalization.deviation != now.normalization.deviation ||
      had.normalization.mean_image != now.normalization.mean_image ||
      had.settings.horizon != now.settings.horizon)
    fail(fmt::format("the data set {} isn't the one that the run was trained on", now.data),
         "put the former files back, or start a new run");
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
  /// With `from` a run goes on: from that checkpoint, or from its beginning where there is none
  /// yet.
  TrainRun(const TrainOptions& options, const RunConfig& config, const fs::path& out,
           const std::optional<fs::path>& from)
      : options_(options), config_(config), out_(out), resumes_(from) {
    if (!resumes_) check_run_folder(out_);
    data_ = load_data_or_advise(config_.data, 10, config_.settings.seed, config_.settings.streamed);
    validation_ = split_validation(data_.train, config_.val_split, config_.settings.seed);
    device_ = open_and_tell(resumes_ ? as_before(options.where, config) : options.where);
    complete(config_, data_.train, *device_);
    if (resumes_) expect_same_data(config, config_);
    network_.emplace(find_model(config_.model), config_.options, data_.train,
                     config_.normalization);
    trainer_.emplace(*network_, *device_, data_.train, config_.settings);
    if (resumes_) go_on_from(*from);
    if (!resumes_ && config_.init) trainer_->load_weights(*config_.init);
  }

  int run() {
    const InterruptScope interrupts;
    std::vector<double> rates;  // of the steps so far
    if (resumes_) {
      remove_partial_files(out_);
      rates = cut_metrics(out_, trainer_->steps());
    } else {
      tell_new_folder(out_);
      // The run goes on from here without that file; before config.json, without which it is none.
      if (config_.init) save(kCheckpointFolder, judgements_, 1);
    }
    write_config(out_, config_);
    MetricsWriter metrics(out_, resumes_);
    Evaluator test(*network_, store(), data_.test, "test", kEvaluationBatch, trainer_->scratch());
    std::optional<Evaluator> validation;
    if (validation_.size() > 0)
      validation.emplace(*network_, store(), validation_, "validation", kEvaluationBatch,
                         trainer_->scratch());
    const LoopPlan plan = plan_for(test, validation ? &*validation : nullptr);
    tell_stop(config_, plan, validation ? validation_.size() : data_.test.size());
    TrainLoop loop(*trainer_, metrics, interrupts, plan, judgements_, rates);
    loop.run();
    metrics.close();
    RunSummary summary = summarize(loop);
    if (validation && loop.judgements().latest) {
      summary.validation_accuracy = loop.judgements().latest->accuracy;
      summary.best = loop.judgements().best;
    }
    summary.interrupted = interrupts.signal() != 0;
    if (!summary.interrupted) summary.test = judged(test);
    write_summary(out_, summary);
    report(summary);
    return interrupts.signal() == 0 ? 0 : 128 + interrupts.signal();
  }

 private:
  Store& store() { return trainer_->store(); }
  int64_t stop() const { return config_.steps.value_or(config_.settings.horizon); }

  void go_on_from(const fs::path& checkpoint) {
    if (holds_checkpoint(checkpoint)) {
      const CheckpointInfo info =
          load_checkpoint(checkpoint, store(), trainer_->checkpoint_buffers());
      if (info.model != config_.model || info.options != config_.options ||
          info.optimizer != config_.settings.optimizer || info.seed != config_.settings.seed)
        fail(fmt::format("{} is a checkpoint of another run than config.json tells of",
                         checkpoint.string()),
             "put the former files back, or start a new run");
      trainer_->set_state(info.state);
      judgements_ = {info.judged, info.best};
    }
    if (stop() < trainer_->steps())
      fail_usage(fmt::format("the run is at step {}, beyond --steps {}", trainer_->steps(), stop()),
                 "give a larger --steps, or an older checkpoint");
    fmt::print(
        stderr, "{} goes on at step {} of {}{}\n", out_.string(), trainer_->steps(), stop(),
        trainer_->steps() == stop() ? ": nothing is left to do, but for a larger --steps" : "");
  }

  CheckpointInfo checkpoint_info(const Judgements& judgements) const {
    return {config_.model,         config_.options,   config_.settings.optimizer,
            config_.settings.seed, trainer_->state(), judgements.latest,
            judgements.best};
  }

  /// By the average of the parameters, where the run keeps one.
  Evaluation judged(Evaluator& evaluator) {
    const Trainer::Averaged averaged(*trainer_);
    return evaluator.run();
  }

  /// A checkpoint; before it, where --conv auto has measured more convolutions, config.json, so
  /// that the run goes on with the same ones.
  void save(const char* folder, const Judgements& judgements, int64_t keep) {
    if (config_.conv != device_->conv()) {
      config_.conv = device_->conv();
      write_config(out_, config_);
    }
    save_checkpoint(out_ / folder, store(), trainer_->checkpoint_buffers(),
                    checkpoint_info(judgements), keep);
  }

  /// Goes from the latest checkpoint (from the beginning, where that lies beyond: the run went back
  /// to an older one) up to `step` once more and looks at every tensor of it.
  std::string first_not_finite(int64_t step) {
    Trainer again(*network_, *device_, data_.train, config_.settings);
    const fs::path checkpoint = out_ / kCheckpointFolder;
    if (holds_checkpoint(checkpoint) && read_checkpoint_info(checkpoint).state.step < step)
      again.set_state(load_checkpoint(checkpoint, again.store(), again.checkpoint_buffers()).state);
    while (again.steps() < step - 1) {
      again.step();
      if (again.steps() % (Trainer::kRingSteps / 2) == 0) again.drain();
    }
    return again.first_not_finite();
  }

  LoopPlan plan_for(Evaluator& test, Evaluator* validation) {
    LoopPlan plan{.stop = stop(),
                  .examples = data_.train.size(),
                  .judge = {},
                  .judged_on = validation ? "validation" : "test",
                  .until_accuracy = config_.until_accuracy,
                  .checkpoint_every = config_.checkpoint_every,
                  .quiet = options_.quiet};
    if (validation || config_.until_accuracy)
      plan.judge = [this, judge = validation ? validation : &test] { return judged(*judge); };
    plan.save = [this](const Judgements& j) { save(kCheckpointFolder, j, config_.keep); };
    plan.save_best = [this, validation](const Judgements& j) {
      if (validation) save(kBestFolder, j, 1);
    };
    plan.diagnose = [this](int64_t step) { return first_not_finite(step); };
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
  bool resumes_;
  Judgements judgements_;
  DataSplits data_;
  Dataset validation_;
  std::unique_ptr<Device> device_;
  std::optional<Network> network_;
  std::optional<Trainer> trainer_;
};

}  // namespace

int train(const TrainOptions& options) {
  if (options.where.conv) check_conv(*options.where.conv);  // before any data are read
  if (options.where.batch_norm) check_batch_norm(*options.where.batch_norm);
  if (options.resume) {
    const RunPath path(*options.resume);
    return TrainRun(options, resumed_config(options, path), path.run, path.checkpoint).run();
  }
  if (!options.model)
    fail_usage("MODEL is missing", "name one of " + model_names() + ", or give --resume RUN");
  const Model& model = find_model(*options.model);
  const fs::path out = options.out ? fs::path(*options.out) : default_run_folder(model.name);
  return TrainRun(options, new_config(options, model), out, {}).run();
}

std::string model_names() {
  std::vector<std::string_view> names;
  for (const Model* model : all_models()) names.push_back(model->name);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace cairn
