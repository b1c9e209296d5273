// A small convolutional net that learns CIFAR-10 within 50 minutes on two cores of a CPU, after
// the public speed runs (Page 2019, "How to train your ResNet"; Jordan 2024, "94% on CIFAR-10
// in 3.29 seconds on a single GPU", whose widths, rates and initialisation it has).
//
// Fixed filters whiten patches of 2x2; three stages of two 3x3 convolutions with 64, 256 and 256
// channels on planes of 31, 15 and 7, the first of each followed by max pooling; batch norm without
// a learnt scale and ReLU after each; the largest value of each plane and a linear layer. Offsets
// learn at 64 times the rate of the filters. The last layer stands for one whose output is divided
// by 9: 1/81 of the rate. Each keeps the decay of a step, rate times weight decay.
#include <fmt/format.h>

#include "models/models.h"

namespace cairn {
namespace {

Conv2d same(int64_t in, int64_t out) {
  return {.in = in, .out = out, .padding = 1, .init = InitScheme::dirac, .bias = false};
}

Layer rated(Layer layer, const char* suffix, double rate) {
  return ParameterGroup{std::move(layer), suffix, {rate, rate > 0 ? 1 / rate : 0}};
}

Layer normed(int64_t channels) {
  return rated(rated(BatchNorm{channels}, ".weight", 0), ".bias", 64);
}

Sequential build(const Shape& input, int64_t classes, const ModelOptions&) {
  const Whitening whitening{input[0]};
  Sequential net;
  net.add("whiten", whitening).add("relu", Relu());
  int64_t in = whitening.out(), stage = 1;
  for (const int64_t out : {64, 256, 256}) {
    Sequential layer;
    layer.add("conv1", same(in, out)).add("pool", MaxPool2d{});
    layer.add("bn1", normed(out)).add("relu1", Relu());
    layer.add("conv2", same(out, out)).add("bn2", normed(out)).add("relu2", Relu());
    net.add(fmt::format("layer{}", stage++), layer);
    in = out;
  }
  net.add("pool", MaxPool2d{.kernel = 3}).add("flatten", Flatten{});
  const Linear last{.in = in, .out = classes, .init = InitScheme::zeros, .bias = false};
  net.add("fc", rated(last, ".weight", 1.0 / 81));
  return net;
}

constexpr Model kModels[] = {{.name = "speednet",
                              .summary = "a small net that is quick to learn 32x32 images",
                              .data = "cifar10",
                              .size = 32,
                              .recipe = {.epochs = 24,
                                         .batch = 512,
                                         .lr = 0.75,
                                         .momentum = 0.85,
                                         .weight_decay = 0.00133,
                                         .schedule = "one-cycle",
                                         .augment = "crop=4 flip=alternating",
                                         .optimizer = "nesterov",
                                         .label_smoothing = 0.2},
                              .options = {},
                              .build = build}};

}  // namespace

extern const std::span<const Model> speednet_models;
constinit const std::span<const Model> speednet_models{kModels};

}  // namespace cairn
