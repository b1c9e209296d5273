// Plain nets get worse with depth, in training already; residual nets get better.
#include <fmt/format.h>

#include "lab/training.h"

namespace cairn::lab {
namespace {

constexpr int64_t kBatch = 128, kRowSteps = 391;  // an epoch of CIFAR-10

void measure(Lab& lab) {
  DataSplits data = load_data(lab.quick() ? "digits" : "cifar10");
  if (lab.quick()) data.test = split_validation(data.test, 0.05, lab.seed());
  const int64_t row_steps = lab.quick() ? 20 : kRowSteps;
  const int64_t steps = lab.quick() ? 60 : lab.steps().value_or(8 * kRowSteps);
  Plot plot{"training_error",
            fmt::format("Training error over {} steps", steps),
            "epoch",
            kTrainingError,
            {},
            false,
            "0:100"};
  std::vector<double> errors;
  for (const char* name : {"plain20", "plain56", "resnet20", "resnet56"}) {
    const Model& model = find_model(name);
    const Network network(model, {}, data.train, pixel_statistics(data.train));
    const Recipe& recipe = find_recipe(model, "he2015");
    const TrainSettings settings{
        .batch = lab.quick() ? 8 : kBatch,
        .lr = lab.quick() ? 0.02 : recipe.lr,
        .momentum = recipe.momentum,
        .weight_decay = recipe.weight_decay,
        .schedule = lab.steps() ? "step" : "one-cycle",
        .horizon = steps,
        .seed = lab.seed(),
        .augment = Augmentation::parse(lab.quick() ? "none" : recipe.augment)};
    const Measurements& course = train_and_measure(lab, {.name = name,
                                                         .network = &network,
                                                         .train = &data.train,
                                                         .test = &data.test,
                                                         .settings = settings,
                                                         .steps = steps,
                                                         .row_steps = row_steps});
    errors.push_back(last(course, kTrainingError));
    plot.curves.push_back({name, &course, "epoch", kTrainingError, true});
  }
  lab.plot(std::move(plot));
  lab.find({"a plain net of 56 layers trains worse than one of 20", "the higher training error",
            fmt::format("{:.2f}% with 56 layers, {:.2f}% with 20", errors[1], errors[0]),
            errors[1] > errors[0]});
  lab.find(
      {"a residual net of 56 layers trains better than the plain one", "the lower training error",
       fmt::format("{:.2f}%, the plain one {:.2f}%", errors[3], errors[1]), errors[3] < errors[1]});
  if (lab.quick()) return;
  lab.find({"and better than a residual net of 20", "the lower training error",
            fmt::format("{:.2f}% with 56 layers, {:.2f}% with 20", errors[3], errors[2]),
            errors[3] < errors[2]});
}

constexpr Experiment kExperiments[] = {
    {.name = "degradation",
     .claim =
         "A plain net of 56 layers has a higher training error than one of 20; of residual nets "
         "the deeper one has the lower.",
     .source = "He, Zhang, Ren and Sun 2015, figures 1 and 6",
     .measures =
         "training and test error of both depths of both kinds on CIFAR-10, by the paper's "
         "recipe with 3,128 steps of one cycle of the learning rate; --steps 64000 is the paper's. "
         "Goes on where it was cut off. Quick: 60 steps on the built-in digits",
     .time = "100 min, quick 20 s",
     .measure = measure}};

}  // namespace

extern const std::span<const Experiment> degradation_experiments;
constinit const std::span<const Experiment> degradation_experiments{kExperiments};

}  // namespace cairn::lab
