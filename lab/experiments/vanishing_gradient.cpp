// How much of a gradient reaches the lower layers of deep nets, before they have learnt anything.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/op_runner.h"
#include "core/op_table.h"
#include "lab/lab.h"
#include "train/trainer.h"

namespace cairn::lab {
namespace {

constexpr int64_t kBatch = 128;

Network deep_net(const Dataset& data, int64_t depth, const std::string& activation,
                 const std::string& init) {
  const ModelOptions options = {
      {"depth", fmt::to_string(depth)}, {"activation", activation}, {"init", init}};
  return {find_model("deep_sigmoid"), options, data, pixel_statistics(data)};
}

void scale_weights(Store& store, double factor) {
  for (const Segment& s : store.parameters().segments) {
    if (!s.name.ends_with(".weight")) continue;
    std::vector<double> values = store.read(s.name);
    for (double& v : values) v *= factor;
    store.write(s.name, values);
  }
}

/// The norm of dL/dW of hidden layers 2 to `depth`, which have one shape, over the first batch.
std::vector<double> gradient_norms(Lab& lab, const Network& network, const Dataset& data,
                                   int64_t depth, double scale) {
  const TrainSettings settings{.batch = kBatch, .seed = lab.seed()};
  const Program program = compile(accumulate_graph(network, settings, data.size()),
                                  plan_options(lab.device().kind(), kBatch), lab.seed());
  const Program* programs[] = {&program};
  Store store(lab.device(), parameters_of(network));
  Executor executor(program, store, make_scratch(lab.device(), programs));
  load_images(store, "train", data);
  store.initialize(lab.seed());
  scale_weights(store, scale);
  store.write("loss.grad", std::vector<double>{1});
  executor.run();
  std::vector<double> norms;
  for (int64_t layer = 2; layer <= depth; ++layer) {
    double squares = 0;
    for (const double g : store.read(fmt::format("fc{}.weight.grad", layer))) squares += g * g;
    norms.push_back(std::sqrt(squares));
  }
  return norms;
}

/// The factor that the norm takes from a layer to the one below it, by least squares on its
/// logarithm, and how much of the logarithm's variance that explains.
struct Decay {
  double factor = 1, explained = 1;

  explicit Decay(const std::vector<double>& norms) {
    const auto n = static_cast<double>(norms.size());
    double x = 0, y = 0, xx = 0, xy = 0, yy = 0;
    for (size_t i = 0; i < norms.size(); ++i) {
      const auto layer = static_cast<double>(i);
      const double log = std::log(norms[i]);
      x += layer, y += log, xx += layer * layer, xy += layer * log, yy += log * log;
    }
    const double covariance = xy - x * y / n, spread = xx - x * x / n, variance = yy - y * y / n;
    factor = std::exp(-covariance / spread);
    explained = covariance * covariance / (spread * variance);
  }
};

double spread(const std::vector<double>& norms) {
  const auto [least, most] = std::ranges::minmax(norms);
  return most / least;
}

struct Kind {
  const char *activation, *init;
};
constexpr Kind kSigmoid{"sigmoid", "glorot"}, kRelu{"relu", "he"};

/// Norms by layer of the deepest net, and what becomes of them at each depth.
void look_at_depths(Lab& lab, const Dataset& data) {
  const std::vector<int64_t> depths =
      lab.quick() ? std::vector<int64_t>{5, 20} : std::vector<int64_t>{3, 5, 10, 20, 30, 50};
  Measurements& layers = lab.table("layers", {"depth", "layer", "sigmoid", "relu"});
  Measurements& deepest = lab.table("deepest", {"layer", "sigmoid", "relu"});
  Measurements& ends = lab.table(
      "depths", {"depth", "sigmoid: lowest / highest layer", "relu: largest / smallest norm"});
  double worst = 1;
  for (const int64_t depth : depths) {
    const auto norms = [&](const Kind& kind) {
      return gradient_norms(lab, deep_net(data, depth, kind.activation, kind.init), data, depth, 1);
    };
    const std::vector<double> sigmoid = norms(kSigmoid), relu = norms(kRelu);
    for (size_t i = 0; i < sigmoid.size(); ++i) {
      const auto layer = static_cast<double>(i + 2);
      layers.add({static_cast<double>(depth), layer, sigmoid[i], relu[i]});
      if (depth == depths.back()) deepest.add({layer, sigmoid[i], relu[i]});
    }
    worst = std::max(worst, spread(relu));
    ends.add({static_cast<double>(depth), sigmoid.front() / sigmoid.back(), spread(relu)});
    if (depth != depths.back()) continue;
    const Decay decay(sigmoid);
    lab.find({fmt::format("{} layers of sigmoid: the gradient decays geometrically", depth),
              "at most a factor of 0.25 a layer with weights of variance 1 / fan-in",
              fmt::format("a factor of {:.3f} a layer explains {:.2f}% of the logarithm's variance",
                          decay.factor, 100 * decay.explained),
              decay.factor < 0.25 && decay.explained > 0.99});
  }
  lab.find({fmt::format("ReLU with He's initialisation keeps it, up to {} layers", depths.back()),
            "within a factor of 10", fmt::format("within a factor of {:.2f}", worst), worst < 10});
  lab.plot(
      {"layers",
       fmt::format("The gradient on its way down {} layers", depths.back()),
       "layer (1 is next to the image)",
       "norm of dL/dW at the start",
       {{"sigmoid", &deepest, "layer", "sigmoid", true}, {"ReLU", &deepest, "layer", "relu", true}},
       true});
}

/// One unit after the other, each with weight w and the bias that centres its input:
/// x <- sigmoid(w (x - 1/2)). The factor that a gradient keeps from a unit to the one before it,
/// once the units have settled: |w| sigmoid'(net).
double chain_factor(Lab& lab, double w) {
  constexpr int kUnits = 1000;
  OpCall call;
  call.op = &find_op("sigmoid");
  call.attrs = Attrs(call.op->attrs.items);
  call.inputs = {HostTensor{{DType::f32, {}, true}, {w * 0.01}}};
  call.step.n_valid = 1;
  OpRunner unit(lab.device(), call, {.seeded = {0}});
  unit.set_seed(0, {1});
  for (int i = 0; i < kUnits; ++i) {
    unit.run();
    unit.set_input(0, {w * (unit.output(0).values[0] - 0.5)});
  }
  unit.run();
  return w * unit.gradient(0)->values[0];
}

/// Hochreiter: beyond w = 4 a larger weight pushes its unit into saturation.
void look_at_a_chain(Lab& lab) {
  Measurements& table = lab.table("chain", {"weight", "factor"});
  double best = 0, best_weight = 0;
  const double step = lab.quick() ? 0.5 : 0.1;
  for (int i = 1; i * step <= 12; ++i) {
    const double w = i * step, factor = chain_factor(lab, w);
    table.add({w, factor});
    if (factor > best) best = factor, best_weight = w;
  }
  lab.plot({"chain",
            "A chain of sigmoid units: larger weights saturate them",
            "weight",
            "factor that a unit leaves of the gradient",
            {{"|w| sigmoid'(net)", &table, "weight", "factor"}}});
  lab.find({"a chain of single units shrinks the gradient, whatever their weight",
            "a factor of at most 1, at weight 4",
            fmt::format("at most {:.4f}, at weight {:.3g}; {:.2f} at weight 2, {:.2f} at weight 8",
                        best, best_weight, chain_factor(lab, 2), chain_factor(lab, 8)),
            best < 1.01 && std::abs(best_weight - 4) < 0.3});
}

/// Accuracy of a net on the data that it was trained on, its weights scaled beforehand: the better
/// of two learning rates.
double trained_accuracy(Lab& lab, const Network& network, const Dataset& data, double scale,
                        int64_t steps) {
  double best = 0;
  for (const double lr : {0.1, 0.01}) {
    Trainer trainer(network, lab.device(), data, {.batch = kBatch, .lr = lr, .seed = lab.seed()});
    scale_weights(trainer.store(), scale);
    for (int64_t step = 1; step <= steps; ++step) {
      trainer.step();
      if (step % Trainer::kRingSteps == 0) trainer.drain();
    }
    best = std::max(best, Evaluator(network, trainer.store(), data, "all", kBatch).run().accuracy);
  }
  return best;
}

/// A wide layer sums many such chains: there a scale can be met at which the sum keeps its size,
/// between those at which it vanishes and those at which it explodes.
void look_at_scales(Lab& lab, const Dataset& data) {
  const int64_t depth = lab.quick() ? 10 : 20, steps = lab.quick() ? 100 : 1000;
  const Network network = deep_net(data, depth, kSigmoid.activation, kSigmoid.init);
  Measurements& table = lab.table(
      "scales", {"scale of the weights", "lowest / highest layer", "accuracy after training (%)"});
  double best = 0, best_scale = 0, plain = 0;
  for (const double scale : {0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0}) {
    const std::vector<double> norms = gradient_norms(lab, network, data, depth, scale);
    const double accuracy = trained_accuracy(lab, network, data, scale, steps);
    table.add({scale, norms.front() / norms.back(), 100 * accuracy});
    if (accuracy > best) best = accuracy, best_scale = scale;
    if (scale == 1) plain = accuracy;
  }
  const Network cured = deep_net(data, depth, kRelu.activation, kRelu.init);
  const double relu = trained_accuracy(lab, cured, data, 1, steps);
  lab.find({fmt::format("no scale of the weights trains {} wide layers as ReLU does", depth),
            fmt::format("less than ReLU's {:.1f}%, at scales from 0.5 to 32", 100 * relu),
            fmt::format("{:.1f}% as they are, at best {:.1f}%, scaled by {}", 100 * plain,
                        100 * best, best_scale),
            best < relu - 0.1});
}

void measure(Lab& lab) {
  const Dataset data = load_data("digits").train;
  look_at_depths(lab, data);
  look_at_a_chain(lab);
  look_at_scales(lab, data);
}

constexpr Experiment kExperiments[] = {
    {.name = "vanishing-gradient",
     .claim =
         "On its way down a deep net of sigmoids the gradient decays geometrically, and larger "
         "weights don't cure that; with ReLU and He's initialisation it arrives.",
     .source = "Hochreiter 1991; Glorot and Bengio 2010; He et al. 2015",
     .measures = "the norm of each layer's weight gradient before training, for nets 100 wide on "
                 "digits; accuracy after training with scaled weights",
     .time = "60 s, quick 5 s",
     .measure = measure}};

}  // namespace

extern const std::span<const Experiment> vanishing_gradient_experiments;
constinit const std::span<const Experiment> vanishing_gradient_experiments{kExperiments};

}  // namespace cairn::lab
