// LeNet-5 (LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document
// recognition"), with today's dense second convolution and softmax in place of radial basis
// functions.
#include "models/models.h"

namespace cairn {
namespace {

/// conv 6@5x5, pool 2, conv 16@5x5, pool 2, 120, 84, classes; on 32x32.
Sequential build(const Shape& input, int64_t classes, const Layer& activation, const Layer& pool,
                 InitScheme init) {
  Sequential net;
  net.add("conv1", Conv2d{.in = input[0], .out = 6, .kernel = 5, .init = init});
  net.add("act1", activation).add("pool1", pool);
  net.add("conv2", Conv2d{.in = 6, .out = 16, .kernel = 5, .init = init});
  net.add("act2", activation).add("pool2", pool).add("flatten", Flatten{});
  net.add("fc1", Linear{.in = 400, .out = 120, .init = init}).add("act3", activation);
  net.add("fc2", Linear{.in = 120, .out = 84, .init = init}).add("act4", activation);
  net.add("fc3", Linear{.in = 84, .out = classes, .init = init});
  return net;
}

Sequential build_tanh(const Shape& input, int64_t classes, const ModelOptions&) {
  return build(input, classes, Tanh(), AvgPool2d{}, InitScheme::glorot);
}

Sequential build_relu(const Shape& input, int64_t classes, const ModelOptions&) {
  return build(input, classes, Relu(), MaxPool2d{}, InitScheme::he);
}

constexpr Model kModels[] = {
    {.name = "lenet5",
     .summary = "LeNet-5 (1998): tanh, average pooling",
     .data = "mnist",
     .size = 32,
     .recipe = {.epochs = 12, .batch = 128, .lr = 0.2},
     .options = {},
     .build = build_tanh},
    {.name = "lenet5relu",
     .summary = "LeNet-5 with ReLU and max pooling",
     .data = "mnist",
     .size = 32,
     .recipe = {.epochs = 3,
                .batch = 64,
                .lr = 0.1,
                .schedule = "one-cycle",
                .optimizer = "nesterov",
                .label_smoothing = 0.1},
     .options = {},
     .build = build_relu},
};

}  // namespace

extern const std::span<const Model> lenet5_models;
constinit const std::span<const Model> lenet5_models{kModels};

}  // namespace cairn
