// Weights shared over places: a shifted digit shifts the feature map, and few weights are needed.
#include <fmt/format.h>

#include <algorithm>

#include "core/op_runner.h"
#include "core/op_table.h"
#include "data/dataset.h"
#include "lab/lab.h"
#include "layers/layers.h"

namespace cairn::lab {
namespace {

constexpr int64_t kSize = 28, kMargin = 4, kPlane = kSize + 2 * kMargin;
constexpr int64_t kChannels = 6, kKernel = 5, kOut = kPlane - kKernel + 1;

/// A digit in a plane with a margin, moved by (down, right).
std::vector<double> placed(const Dataset& digits, int64_t down, int64_t right) {
  std::vector<double> plane(static_cast<size_t>(kPlane * kPlane));
  for (int64_t h = 0; h < kSize; ++h)
    for (int64_t w = 0; w < kSize; ++w)
      plane[static_cast<size_t>((h + kMargin + down) * kPlane + w + kMargin + right)] =
          digits.images[static_cast<size_t>(h * kSize + w)] / 255.0;
  return plane;
}

int64_t parameters(const Layer& layer, const Shape& input) {
  Graph graph;
  layer(graph, "layer", graph.input("x", {DType::f32, input, true}));
  int64_t count = 0;
  for (const Segment& s : ParameterMap(graph).segments) count += s.elements;
  return count;
}

void measure(Lab& lab) {
  const Dataset digits = load_data("digits").train;
  const PhiloxKey key = philox_key(lab.seed(), "translation");
  std::vector<double> weights(static_cast<size_t>(kChannels * kKernel * kKernel));
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = 2 * to_unit(random_word(key, 0, i)) - 1;
  OpCall call;
  call.op = &find_op("conv2d");
  call.attrs = Attrs(call.op->attrs.items);
  call.n = 1, call.step.n_valid = 1;
  call.inputs = {HostTensor{{DType::f32, {1, kPlane, kPlane}, true}, placed(digits, 0, 0)},
                 HostTensor{{DType::f32, {kChannels, 1, kKernel, kKernel}, false}, weights},
                 std::nullopt};
  OpRunner runner(lab.device(), call, {});
  runner.run();
  const std::vector<double> still = runner.output(0).values;

  const int64_t reach = lab.quick() ? 2 : kMargin;
  int64_t shifts = 0, compared = 0, different = 0;
  Measurements& table =
      lab.table("shifts", {"down (pixels)", "right (pixels)", "features compared", "different"});
  for (int64_t down = -reach; down <= reach; ++down)
    for (int64_t right = -reach; right <= reach; ++right, ++shifts) {
      runner.set_input(0, placed(digits, down, right));
      runner.run();
      const std::vector<double> moved = runner.output(0).values;
      int64_t here = 0, wrong = 0;
      for (int64_t c = 0; c < kChannels; ++c)
        for (int64_t h = std::max<int64_t>(0, -down); h < std::min(kOut, kOut - down); ++h)
          for (int64_t w = std::max<int64_t>(0, -right); w < std::min(kOut, kOut - right); ++w) {
            const auto at = [&](int64_t y, int64_t x) {
              return static_cast<size_t>((c * kOut + y) * kOut + x);
            };
            ++here, wrong += moved[at(h + down, w + right)] != still[at(h, w)];
          }
      compared += here, different += wrong;
      table.add({static_cast<double>(down), static_cast<double>(right), static_cast<double>(here),
                 static_cast<double>(wrong)});
    }
  lab.find({"a shifted digit shifts the feature map, to the bit", "0 features differ",
            fmt::format("{} of {} in {} shifts", different, compared, shifts), different == 0});

  const int64_t dense = parameters(Linear{.in = 784, .out = 500, .bias = false}, {784});
  const int64_t shared =
      parameters(Conv2d{.in = 1, .out = 1, .kernel = 5, .bias = false}, {1, 28, 28});
  lab.find({"500 units that see a whole digit have a weight for each of its pixels", "392,000",
            fmt::format("{}", dense), dense == 392000});
  lab.find(
      {"a 5x5 kernel that all places share has 25", "25", fmt::format("{}", shared), shared == 25});
}

constexpr Experiment kExperiments[] = {
    {.name = "translation",
     .claim = "A convolution follows its input: a digit shifted by whole pixels shifts the feature "
              "map, with 25 weights where a dense layer has 392,000.",
     .source = "Fukushima 1980; LeCun et al. 1989",
     .measures = "six 5x5 feature maps of a digit at 81 positions, bit by bit, and the weights of "
                 "both kinds of layer",
     .time = "1 s",
     .measure = measure}};

}  // namespace

extern const std::span<const Experiment> translation_experiments;
constinit const std::span<const Experiment> translation_experiments{kExperiments};

}  // namespace cairn::lab
