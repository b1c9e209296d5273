// The net by which batch norm was introduced: three layers of 100 sigmoids on digits.
#include <fmt/format.h>

#include "lab/training.h"

namespace cairn::lab {
namespace {

/// The first step at whose row the test error is at most `error`; none where it never is.
std::optional<int64_t> steps_to(const Measurements& course, double error) {
  for (const auto& row : course.rows)
    if (row.back() <= error) return static_cast<int64_t>(row[0]);
  return {};
}

std::string text_of(const std::optional<int64_t>& steps, const Measurements& course) {
  return steps ? fmt::format("{}", *steps) : fmt::format("not in {:.0f}", course.rows.back()[0]);
}

void measure(Lab& lab) {
  const DataSplits data = load_data(lab.quick() ? "digits" : "mnist");
  const int64_t steps = lab.quick() ? 600 : 10000, row_steps = lab.quick() ? 20 : 100;
  const auto train = [&](const char* name, const char* norm) -> const Measurements& {
    const Network network(
        find_model("mlp"),
        {{"widths", "100,100,100"}, {"activation", "sigmoid"}, {"batch_norm", norm}}, data.train,
        pixel_statistics(data.train));
    return train_and_measure(
        lab, {.name = name,
              .network = &network,
              .train = &data.train,
              .test = &data.test,
              .settings = {.batch = 60, .lr = 0.1, .momentum = 0, .seed = lab.seed()},
              .steps = steps,
              .row_steps = row_steps});
  };
  const Measurements &with = train("with", "1"), &without = train("without", "0");
  Measurements& table = lab.table("steps", {"test error (%)", "with batch norm", "without"});
  for (const double error :
       lab.quick() ? std::vector<double>{20} : std::vector<double>{20, 10, 5}) {
    const std::optional<int64_t> a = steps_to(with, error), b = steps_to(without, error);
    table.add(
        {error, static_cast<double>(a.value_or(steps)), static_cast<double>(b.value_or(steps))});
    const bool early = error >= 10;  // most of the gain comes at the start
    lab.find(
        {fmt::format("{}% of test error", error),
         early ? "at most half of the steps" : "fewer steps",
         fmt::format("{} steps with batch norm, {} without", text_of(a, with), text_of(b, without)),
         a && (early ? 2 : 1) * *a < b.value_or(steps)});
  }
  lab.plot(
      {"test_error",
       "Three layers of 100 sigmoids",
       "step (60 images)",
       "test error (%)",
       {{"with batch norm", &with, "step", kTestError}, {"without", &without, "step", kTestError}},
       false,
       lab.quick() ? "0:100" : "0:20"});
}

constexpr Experiment kExperiments[] = {
    {.name = "batchnorm-speedup",
     .claim = "With batch norm a net of three sigmoid layers reaches an accuracy in a fraction of "
              "the steps.",
     .source = "Ioffe and Szegedy 2015, section 4.1",
     .measures =
         "steps to 3% of test error of a 784-100-100-100-10 net on MNIST, batches of 60, one "
         "learning rate; quick: to 20% on the built-in digits",
     .time = "1 min, quick 2 s",
     .measure = measure}};

}  // namespace

extern const std::span<const Experiment> batchnorm_speedup_experiments;
constinit const std::span<const Experiment> batchnorm_speedup_experiments{kExperiments};

}  // namespace cairn::lab
