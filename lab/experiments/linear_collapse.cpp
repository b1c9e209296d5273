// Layers without a nonlinearity are one matrix, and no matrix learns XOR.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "lab/lab.h"
#include "train/predict.h"
#include "train/trainer.h"

namespace cairn::lab {
namespace {

constexpr int64_t kHidden = 8;

/// The four corners of a square, whose class is whether their coordinates differ.
Dataset exclusive_or() {
  constexpr float kCorners[] = {0, 0, 0, 1, 1, 0, 1, 1};
  constexpr int64_t kClasses[] = {0, 1, 1, 0};
  return dataset_from_arrays("XOR", kCorners, {4, 2}, kClasses, 2);
}

/// y = W x + b.
struct Affine {
  std::vector<double> w, b;  // (out,in) row-major
};

/// The layers fc1, fc2, ... multiplied into one.
Affine product_of_layers(const Store& store, int layers, int64_t in) {
  Affine all;
  all.w.resize(static_cast<size_t>(in * in)), all.b.resize(static_cast<size_t>(in));
  for (int64_t i = 0; i < in; ++i) all.w[static_cast<size_t>(i * in + i)] = 1;
  for (int layer = 1; layer <= layers; ++layer) {
    const std::vector<double> w = store.read(fmt::format("fc{}.weight", layer));
    Affine next{{}, store.read(fmt::format("fc{}.bias", layer))};
    const size_t out = next.b.size(), width = w.size() / out, columns = static_cast<size_t>(in);
    next.w.resize(out * columns);
    for (size_t o = 0; o < out; ++o)
      for (size_t k = 0; k < width; ++k) {
        for (size_t i = 0; i < columns; ++i)
          next.w[o * columns + i] += w[o * width + k] * all.w[k * columns + i];
        next.b[o] += w[o * width + k] * all.b[k];
      }
    all = std::move(next);
  }
  return all;
}

struct Trained {
  double loss = 0, accuracy = 0;
  double difference = 0;  // of the logits from those of one matrix, beside the largest
};

Trained train(Lab& lab, const Dataset& data, bool tanh, Measurements& curve, int64_t steps) {
  Sequential net;
  net.add("flatten", Flatten{}).add("fc1", Linear{.in = 2, .out = kHidden});
  if (tanh) net.add("tanh", Tanh());
  net.add("fc2", Linear{.in = kHidden, .out = kHidden});
  net.add("fc3", Linear{.in = kHidden, .out = 2});
  const Network network(net, data);
  Trainer trainer(network, lab.device(), data, {.batch = 4, .lr = 0.05, .seed = lab.seed()});
  for (int64_t step = 1; step <= steps; ++step) {
    trainer.step();
    for (const StepRecord& r : step % 100 == 0 ? trainer.drain() : std::vector<StepRecord>{})
      if (r.step % 10 == 0) curve.add({static_cast<double>(r.step), r.loss, r.accuracy});
  }
  const Evaluation found = Evaluator(network, trainer.store(), data, "all", 4).run();
  Trained result{found.loss, found.accuracy, 0};

  const Affine one = product_of_layers(trainer.store(), 3, 2);
  const std::vector<double> all = logits(network, trainer.store(), data);
  double largest = 0;
  for (size_t n = 0; n < 4; ++n)
    for (size_t o = 0; o < 2; ++o) {
      double y = one.b[o];
      for (size_t i = 0; i < 2; ++i)
        y += one.w[o * 2 + i] * (static_cast<double>(data.values[n * 2 + i]) - 0.5) / 0.5;
      result.difference = std::max(result.difference, std::abs(y - all[n * 2 + o]));
      largest = std::max(largest, std::abs(all[n * 2 + o]));
    }
  result.difference /= largest;
  return result;
}

void measure(Lab& lab) {
  const Dataset data = exclusive_or();
  const int64_t steps = lab.quick() ? 1000 : 4000;
  const std::vector<std::string> columns = {"step", "loss", "accuracy"};
  Measurements& straight = lab.table("linear", columns);
  Measurements& bent = lab.table("tanh", columns);
  const Trained linear = train(lab, data, false, straight, steps);
  const Trained tanh = train(lab, data, true, bent, steps);
  lab.plot({"loss",
            "XOR: three linear layers, and the same with one tanh",
            "step",
            "mean cross-entropy (nats)",
            {{"linear", &straight, "step", "loss"}, {"with tanh", &bent, "step", "loss"}}});
  lab.find({"three linear layers are one matrix", "no difference but rounding (float32: 1e-6)",
            fmt::format("{:.1e} of the largest logit", linear.difference),
            linear.difference < 1e-6});
  lab.find({"with a tanh they are not", "a difference of the logits' own size",
            fmt::format("{:.2g}", tanh.difference), tanh.difference > 0.1});
  lab.find({"linear layers can't learn XOR", "loss ln 2 = 0.6931, at most 3 of 4 right",
            fmt::format("loss {:.4f}, {} of 4 right", linear.loss, 4 * linear.accuracy),
            std::abs(linear.loss - std::log(2.0)) < 1e-3 && linear.accuracy < 0.8});
  lab.find({"one layer of tanh can", "4 of 4 right",
            fmt::format("loss {:.2g}, {} of 4 right", tanh.loss, 4 * tanh.accuracy),
            tanh.accuracy == 1});
}

constexpr Experiment kExperiments[] = {
    {.name = "linear-collapse",
     .claim =
         "A stack of linear layers equals one matrix and can't learn XOR; with one tanh it can.",
     .source = "Minsky and Papert 1969",
     .measures =
         "a 2-8-8-2 net on the four points of XOR, its logits beside those of the product of "
         "its matrices",
     .time = "2 s, quick 1 s",
     .measure = measure}};

}  // namespace

extern const std::span<const Experiment> linear_collapse_experiments;
constinit const std::span<const Experiment> linear_collapse_experiments{kExperiments};

}  // namespace cairn::lab
