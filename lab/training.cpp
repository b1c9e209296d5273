#include "lab/training.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/error.h"
#include "io/files.h"
#include "train/checkpoint.h"

namespace cairn::lab {
namespace {

namespace fs = std::filesystem;

/// What must be the same for a training to go on.
std::string description(const Training& t) {
  const TrainSettings& s = t.settings;
  std::string text = fmt::format(
      "{} of {} by {}: batch {}, {} with rate {}, momentum {}, decay {}, {} over {} steps, warmup "
      "{}, augmentation {}, seed {}, {} steps, {} a row",
      t.network->model->name, t.train->size(), t.train->name, s.batch, s.optimizer, s.lr,
      s.momentum, s.weight_decay, s.schedule, s.horizon, s.warmup, s.augment.to_string(), s.seed,
      t.steps, t.row_steps);
  for (const auto& [name, value] : t.network->options) text += fmt::format(", {}={}", name, value);
  return text + "\n";
}

std::vector<double> numbers(std::string_view line) {
  std::vector<double> values;
  for (const char *at = line.data(), *end = at + line.size(); at < end; ++at) {
    double value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc{}) fail(fmt::format("'{}' is no line of numbers", line));
    values.push_back(value);
    at = next;
  }
  return values;
}

/// A training's folder: its checkpoint, and the rows up to there.
class Saved {
 public:
  Saved(fs::path folder, const Training& training) : folder_(std::move(folder)) {
    const fs::path about = folder_ / "training.txt";
    const std::string text = description(training);
    if (!fs::exists(about)) {
      fs::create_directories(folder_);
      write_file_atomic(about, text);
    } else if (read_file(about) != text) {
      fail(fmt::format("{} holds another training: {}", folder_.string(), read_file(about)),
           "remove it, or name another folder with --out");
    }
  }

  void load(Trainer& trainer, Measurements& course) const {
    if (!holds_checkpoint(folder_ / "checkpoint")) return;
    const CheckpointInfo info =
        load_checkpoint(folder_ / "checkpoint", trainer.store(), trainer.checkpoint_buffers());
    trainer.set_state(info.state);
    const std::string text = read_file(folder_ / "rows.csv");
    size_t at = text.find('\n') + 1;
    for (size_t end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
      std::vector<double> row = numbers(std::string_view(text).substr(at, end - at));
      if (row[0] <= static_cast<double>(info.state.step)) course.add(std::move(row));
    }
  }

  /// The rows first: those that the checkpoint doesn't know yet are left out when it is loaded.
  void save(Trainer& trainer, const Training& training, const Measurements& course) const {
    write_file_atomic(folder_ / "rows.csv", to_csv(course));
    save_checkpoint(folder_ / "checkpoint", trainer.store(), trainer.checkpoint_buffers(),
                    {.model = std::string(training.network->model->name),
                     .options = training.network->options,
                     .optimizer = training.settings.optimizer,
                     .seed = training.settings.seed,
                     .state = trainer.state()});
  }

 private:
  fs::path folder_;
};

const std::vector<std::string> kColumns = {"step", "epoch", "loss", kTrainingError, kTestError};

/// The means over the latest row's steps, then the error on the test images.
std::vector<double> measured_row(Trainer& trainer, Evaluator& evaluator) {
  double loss = 0, accuracy = 0;
  const std::vector<StepRecord> records = trainer.drain();
  for (const StepRecord& r : records) loss += r.loss, accuracy += r.accuracy;
  const auto count = static_cast<double>(records.size()),
             step = static_cast<double>(trainer.steps());
  return {step, step / static_cast<double>(trainer.steps_per_epoch()), loss / count,
          100 * (1 - accuracy / count), 100 * (1 - evaluator.run().accuracy)};
}

const std::vector<double>& last_row(const Measurements& course) {
  if (course.rows.empty()) fail(fmt::format("{} has no row", course.name));
  return course.rows.back();
}

size_t column(const Measurements& course, const std::string& name) {
  return static_cast<size_t>(std::ranges::find(course.columns, name) - course.columns.begin());
}

}  // namespace

const Measurements& train_and_measure(Lab& lab, const Training& t) {
  Measurements& course = lab.table(t.name, kColumns);
  Trainer trainer(*t.network, lab.device(), *t.train, t.settings);
  Evaluator evaluator(*t.network, trainer.store(), *t.test, "test", t.settings.batch,
                      trainer.scratch());
  if (t.prepare) t.prepare(trainer.store());
  std::optional<Saved> saved;
  if (!lab.quick()) saved.emplace(lab.folder() / (t.name + ".training"), t);
  if (saved) saved->load(trainer, course);
  while (trainer.steps() < t.steps) {
    const int64_t end = std::min(t.steps, trainer.steps() + t.row_steps);
    while (trainer.steps() < end) trainer.step();
    course.add(measured_row(trainer, evaluator));
    const std::vector<double>& row = course.rows.back();
    if (saved) saved->save(trainer, t, course);
    if (!lab.quick())
      fmt::print(stderr,
                 "{}: step {} of {}, loss {:.4f}, error {:.2f}% in training, {:.2f}% in test\n",
                 t.name, row[0], t.steps, row[2], row[3], row[4]);
    if (!std::isfinite(row[2])) break;
  }
  return course;
}

double lowest(const Measurements& course, const std::string& name) {
  double least = last_row(course)[column(course, name)];
  for (const auto& row : course.rows) least = std::min(least, row[column(course, name)]);
  return least;
}

double last(const Measurements& course, const std::string& name) {
  return last_row(course)[column(course, name)];
}

}  // namespace cairn::lab
