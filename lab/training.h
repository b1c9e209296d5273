// Trainings whose course is measured, and that go on where they were cut off.
#pragma once

#include <string>

#include "lab/lab.h"
#include "train/trainer.h"

namespace cairn::lab {

struct Training {
  std::string name;  // of its table, and of its folder NAME.training in the lab's
  const Network* network = nullptr;
  const Dataset* train = nullptr;
  const Dataset* test = nullptr;
  TrainSettings settings;
  int64_t steps = 0;
  int64_t row_steps = 100;            // a row of the table sums up as many
  void (*prepare)(Store&) = nullptr;  // changes the parameters before the first step
};

/// The course of a training: columns "step", "epoch", "loss" (mean cross-entropy in nats over the
/// row's batches), "training error (%)" of them as they were trained on, and "test error (%)" after
/// the row's last step. A loss that isn't finite ends it. After each row all is saved in its
/// folder, but for quick forms, and a second call of an equal training goes on from there, to the
/// same numbers. An Error where the folder has another training.
const Measurements& train_and_measure(Lab& lab, const Training& training);

inline constexpr char kTrainingError[] = "training error (%)", kTestError[] = "test error (%)";

/// The lowest number of a column.
double lowest(const Measurements& course, const std::string& column);
/// The last number of a column.
double last(const Measurements& course, const std::string& column);

}  // namespace cairn::lab
