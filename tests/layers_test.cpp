// Layers: what they declare, what they add to a graph, and what that computes.
#include "layers/layers.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/executor.h"
#include "models/models.h"
#include "tests/expect_error.h"

namespace cairn {
namespace {

const TensorType kVector{DType::f32, {4}, true};

/// The layer's output for one example in float64.
std::vector<double> output_of(const Layer& layer, const std::vector<double>& x,
                              const TensorType& type = kVector) {
  const auto device = open_device("reference", 1);
  Graph graph;
  const Value y = layer(graph, "layer", graph.input("x", type));
  const Program program =
      compile(std::move(graph), {.keep = true, .real = DType::f64}, 0, /*fuse=*/false);
  Store store(*device, ParameterMap(program.graph), DType::f64);
  const Program* programs[] = {&program};
  Executor executor(program, store, make_scratch(*device, programs));
  store.write("x", x);
  store.write_step("step", {.n_valid = 1});
  executor.run();
  return executor.read(y, 1);
}

void expect_values(const std::vector<double>& got, const std::vector<double>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-12) << i;
}

TEST(Layers, ActivationsTakeTheirAttributes) {
  const std::vector<double> x = {-2, -1, 0, 1.5};
  const double e = std::exp(1.0);
  expect_values(output_of(LeakyRelu(0.125), x), {-0.25, -0.125, 0, 1.5});
  expect_values(output_of(LeakyRelu(1e-9), x), {-2e-9, -1e-9, 0, 1.5});
  expect_values(output_of(Elu(2), x), {2 / e / e - 2, 2 / e - 2, 0, 1.5});
  const auto scaled = [](double v) { return 1.7159 * std::tanh(2 * v / 3); };
  expect_values(output_of(ScaledTanh(), x), {scaled(-2), scaled(-1), 0, scaled(1.5)});
  const auto soft = [](double v) { return std::log1p(std::exp(v)); };
  expect_values(output_of(Softplus(), x), {soft(-2), soft(-1), soft(0), soft(1.5)});
  const auto gelu = [](double v) { return v * std::erfc(-v * std::sqrt(0.5)) / 2; };
  expect_values(output_of(Gelu(), x), {gelu(-2), gelu(-1), 0, gelu(1.5)});
}

TEST(Layers, ResidualAddsItsShortcut) {
  const Layer twice = ActivationLayer{"scale", "factor=2"}, minus = ActivationLayer{"neg"};
  expect_values(output_of(Residual{.body = twice}, {-1, 0, 2, 3}), {0, 0, 6, 9});
  expect_values(output_of(Residual{.body = twice, .relu = false}, {-1, 0, 2, 3}), {-3, 0, 6, 9});
  expect_values(output_of(Residual{twice, minus, true}, {-1, 0, 2, 3}), {0, 0, 2, 3});
}

TEST(Layers, ResidualNamesItsParts) {
  Graph graph;
  const Layer square = Linear{.in = 4, .out = 4};
  Residual{square, square, true}(graph, "block1", graph.input("x", kVector));
  std::vector<std::string> names;
  for (const Value v : graph.parameters()) names.push_back(graph[v].name);
  EXPECT_EQ(names, (std::vector<std::string>{"block1.body.weight", "block1.body.bias",
                                             "block1.shortcut.weight", "block1.shortcut.bias"}));
}

TEST(Layers, DropoutIsForTrainingAlone) {
  Graph training(true), inference(false);
  const Value x = training.input("x", kVector), same = inference.input("x", kVector);
  EXPECT_NE(Dropout{}(training, "drop", x), x);
  EXPECT_EQ(training.nodes().at(0).attrs.to_string(), "p=0.5");
  EXPECT_EQ(Dropout{}(inference, "drop", same), same);
  EXPECT_TRUE(inference.nodes().empty());
}

TEST(Layers, ConvolutionInGroups) {
  Graph graph;
  const Value x = graph.input("x", {DType::f32, {6, 9, 9}, true});
  const Value y = Conv2d{.in = 6, .out = 4, .dilation = 2, .groups = 2}(graph, "conv", x);
  EXPECT_EQ(graph[y].type.shape, Shape({4, 5, 5}));
  EXPECT_EQ(graph[graph.find("conv.weight")].type.shape, Shape({4, 3, 3, 3}));
}

TEST(Layers, GlobalPoolingIsTheMeanOfAChannel) {
  expect_values(
      output_of(GlobalAvgPool2d{}, {1, 2, 3, 6, -1, -1, 0, 4}, {DType::f32, {2, 2, 2}, true}),
      {3, 0.5});
}

TEST(Layers, PoolingTakesItsWindows) {
  const TensorType image{DType::f32, {1, 3, 3}, true};
  const std::vector<double> x = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  expect_values(output_of(MaxPool2d{}, x, image), {5});
  expect_values(output_of(MaxPool2d{.ceil_mode = true}, x, image), {5, 6, 8, 9});
  expect_values(output_of(MaxPool2d{.stride = 1, .dilation = 2}, x, image), {9});
  expect_values(output_of(AvgPool2d{.stride = 1}, x, image), {3, 4, 6, 7});
  expect_values(output_of(AvgPool2d{.padding = 1}, x, image), {0.25, 1.25, 2.75, 7});
  expect_values(output_of(AvgPool2d{.padding = 1, .count_include_pad = false}, x, image),
                {1, 2.5, 5.5, 7});
  expect_values(output_of(AdaptiveAvgPool2d{.height = 3, .width = 1}, x, image), {2, 5, 8});
}

TEST(Layers, NormalisesItsLastAxes) {
  const TensorType table{DType::f32, {2, 2}, true};
  const auto norm = [&](const Shape& shape, double eps) {
    return output_of(LayerNorm{.shape = shape, .eps = eps, .affine = false}, {1, 5, -2, 2}, table);
  };
  const double row = 2 / std::sqrt(4 + 0.5);
  expect_values(norm({2}, 0.5), {-row, row, -row, row});
  const double all = 1 / std::sqrt(6.25);  // mean 1.5
  expect_values(norm({2, 2}, 0), {-0.5 * all, 3.5 * all, -3.5 * all, 0.5 * all});
  Graph graph;
  const Value x = graph.input("x", table);
  LayerNorm{.shape = {2}}(graph, "norm", x);
  for (const char* name : {"norm.weight", "norm.bias"})
    EXPECT_EQ(graph[graph.find(name)].type.shape, Shape({2}));
  expect_error([&] { LayerNorm{.shape = {3}}(graph, "other", x); }, "weight (3) must be (2)");
}

TEST(Layers, NormalisesByNeighbouringChannels) {
  const TensorType channels{DType::f32, {4, 1}, true};
  const auto by = [](double squares) { return 1 / (2 + 0.5 * squares); };
  expect_values(output_of(LocalResponseNorm{.size = 2, .alpha = 1, .beta = 1, .k = 2}, {1, 2, 0, 4},
                          channels),
                {by(1), 2 * by(5), 0, 4 * by(16)});
}

TEST(Layers, SoftmaxAlongItsAxis) {
  const std::vector<double> x = {0, std::log(3.0), 0, 0};
  const TensorType table{DType::f32, {2, 2}, true};
  expect_values(output_of(Softmax(), x, table), {0.25, 0.75, 0.5, 0.5});
  expect_values(output_of(Softmax(1), x, table), {0.5, 0.75, 0.5, 0.25});
  expect_values(output_of(LogSoftmax(), x, table),
                {std::log(0.25), std::log(0.75), std::log(0.5), std::log(0.5)});
}

TEST(Layers, EmbeddingHasARowAnIndex) {
  Graph graph;
  const Value index = graph.input("index", {DType::i32, {3}, true});
  const Value y = Embedding{.count = 10, .dim = 4}(graph, "words", index);
  EXPECT_EQ(graph[y].type, (TensorType{DType::f32, {3, 4}, true}));
  EXPECT_EQ(graph[graph.find("words.weight")].type.shape, Shape({10, 4}));
}

TEST(Models, DeepSigmoidIsAsDeepAsAsked) {
  const Model& model = find_model("deep_sigmoid");
  const auto shapes = [&](const ModelOptions& options) {
    Graph graph;
    const Value x = graph.input("x", {DType::f32, {1, 28, 28}, true});
    model.build({1, 28, 28}, 10, complete_options(model, options))(graph, "", x);
    std::vector<Shape> found;
    for (const Value v : graph.parameters()) found.push_back(graph[v].type.shape);
    return found;
  };
  EXPECT_EQ(shapes({{"depth", "2"}, {"width", "5"}}),
            (std::vector<Shape>{{5, 784}, {5}, {5, 5}, {5}, {10, 5}, {10}}));
  EXPECT_EQ(shapes({}).size(), 22u);
  expect_error([&] { shapes({{"depth", "0"}}); }, "depth=0 is no whole number from 1 to 1000");
  expect_error([&] { shapes({{"width", "wide"}}); }, "width=wide is no whole number");
  expect_error([&] { shapes({{"activation", "step"}}); }, "'step' is no activation");
}

}  // namespace
}  // namespace cairn
