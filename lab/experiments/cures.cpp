// One deep net of sigmoids that doesn't learn, and four changes to it, one at a time.
#include <fmt/format.h>

#include <algorithm>

#include "lab/training.h"

namespace cairn::lab {
namespace {

/// What makes a layer of n sigmoid units pass on what it gets, forward and backward: 4 takes the
/// derivative's 1/4 back, and a bias of half the weights' sum, negative, keeps sums about 0, where
/// that derivative is.
void balance(Store& store) {
  for (const Segment& s : store.parameters().segments) {
    if (!s.name.ends_with(".weight")) continue;
    std::vector<double> w = store.read(s.name);
    for (double& v : w) v *= 4;
    store.write(s.name, w);
    if (s.name == "fc1.weight") continue;  // its inputs are normalised pixels
    const auto in = static_cast<size_t>(s.shape[1]);
    std::vector<double> b(static_cast<size_t>(s.shape[0]));
    for (size_t i = 0; i < w.size(); ++i) b[i / in] -= w[i] / 2;
    store.write(s.name.substr(0, s.name.size() - 6) + "bias", b);
  }
}

struct Cure {
  const char *name, *title;
  ModelOptions options;
  double lr;
  void (*prepare)(Store&) = nullptr;
};

void measure(Lab& lab) {
  const DataSplits data = load_data("digits");
  const int64_t depth = lab.quick() ? 10 : 20,
                steps = lab.quick() ? 300 : lab.steps().value_or(3000);
  const std::vector<Cure> cures = {
      {"none", "as it is", {}, 0.1},
      {"relu", "ReLU, He's initialisation", {{"activation", "relu"}, {"init", "he"}}, 0.01},
      {"batch_norm", "batch norm", {{"batch_norm", "1"}}, 0.1},
      {"residual", "residual connections", {{"residual", "1"}}, 0.01},
      {"initialisation", "balanced initialisation", {}, 0.01, balance}};
  Plot plot{"errors", fmt::format("{} layers of sigmoid, and what cures them", depth),
            "step",   "error on the batches (%)",
            {},       false,
            "0:100"};
  for (const Cure& cure : cures) {
    ModelOptions options = cure.options;
    options["depth"] = fmt::to_string(depth);
    const Network network(find_model("deep_sigmoid"), options, data.train,
                          pixel_statistics(data.train));
    const Measurements& course =
        train_and_measure(lab, {.name = cure.name,
                                .network = &network,
                                .train = &data.train,
                                .test = &data.test,
                                .settings = {.batch = 64, .lr = cure.lr, .seed = lab.seed()},
                                .steps = steps,
                                .row_steps = lab.quick() ? 50 : 100,
                                .prepare = cure.prepare});
    const double error = last(course, kTestError);
    const std::string measured = fmt::format("test error {:.1f}%", error);
    if (&cure == &cures.front())
      lab.find({fmt::format("{} layers of sigmoid don't learn", depth),
                "no better than guessing: 85% and more", measured, error > 85});
    else
      lab.find({fmt::format("with {} they do", cure.title), "less than 20%", measured, error < 20});
    plot.curves.push_back({cure.title, &course, "step", kTrainingError});
  }
  lab.plot(std::move(plot));
}

constexpr Experiment kExperiments[] = {
    {.name = "cures",
     .claim =
         "A deep net of sigmoids that doesn't learn at all is cured by each of ReLU, batch norm, "
         "residual connections and a good initialisation alone.",
     .source = "Glorot and Bengio 2010; Glorot, Bordes and Bengio 2011; Ioffe and Szegedy 2015; He "
               "et al. 2015",
     .measures =
         "training curves and test error of a net 100 wide on digits, as it is and with one "
         "change at a time",
     .time = "2 min, quick 5 s",
     .measure = measure}};

}  // namespace

extern const std::span<const Experiment> cures_experiments;
constinit const std::span<const Experiment> cures_experiments{kExperiments};

}  // namespace cairn::lab
