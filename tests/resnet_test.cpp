// Residual nets: numbers, names and shapes of their parameters.
#include <gtest/gtest.h>

#include <string>

#include "models/models.h"

namespace cairn {
namespace {

Graph graph_of(const std::string& model, const Shape& image, int64_t classes) {
  Graph graph;
  const Model& row = find_model(model);
  const Value x = graph.input("x", {DType::f32, image, true});
  const Value y = row.build(image, classes, complete_options(row, {}))(graph, "", x);
  EXPECT_EQ(graph[y].type.shape, Shape({classes}));
  return graph;
}

int64_t parameters(const Graph& graph) {
  int64_t count = 0;
  for (const Value v : graph.parameters()) count += graph[v].type.shape.elements();
  return count;
}

// He et al. 2015, table 6: 0.27M, 0.46M, 0.66M, 0.85M, 1.7M. To the unit: 3x3 convolutions without
// bias, two numbers a channel for batch norm, 650 for the linear layer. Shortcuts have none; nor
// do nets differ where batch norm is of inputs, with one more at the end.
TEST(ResNet, HasThePapersParameters) {
  const std::pair<const char*, int64_t> counts[] = {
      {"20", 269'722}, {"32", 464'154}, {"44", 658'586}, {"56", 853'018}, {"110", 1'727'962}};
  for (const auto& [depth, count] : counts)
    for (const std::string kind : {"resnet", "plain", "preresnet"})
      EXPECT_EQ(parameters(graph_of(kind + depth, {3, 32, 32}, 10)), count) << kind << depth;
}

// The numbers of torchvision's resnet18, resnet34 and resnet50.
TEST(ResNet, HasTorchvisionsParametersForImageNet) {
  const Shape image{3, 224, 224};
  EXPECT_EQ(parameters(graph_of("resnet18", image, 1000)), 11'689'512);
  EXPECT_EQ(parameters(graph_of("resnet34", image, 1000)), 21'797'672);
  EXPECT_EQ(parameters(graph_of("resnet50", image, 1000)), 25'557'032);
}

TEST(ResNet, HasTorchvisionsNames) {
  const Graph graph = graph_of("resnet50", {3, 224, 224}, 1000);
  const std::pair<const char*, Shape> expected[] = {
      {"conv1.weight", {64, 3, 7, 7}},
      {"bn1.running_var", {64}},
      {"layer1.0.conv3.weight", {256, 64, 1, 1}},
      {"layer1.0.downsample.0.weight", {256, 64, 1, 1}},
      {"layer1.0.downsample.1.bias", {256}},
      {"layer2.0.conv2.weight", {128, 128, 3, 3}},
      {"layer3.5.bn2.running_mean", {256}},
      {"layer4.2.conv1.weight", {512, 2048, 1, 1}},
      {"fc.weight", {1000, 2048}}};
  for (const auto& [name, shape] : expected)
    EXPECT_EQ(graph[graph.find(name)].type.shape, shape) << name;
}

/// The shape of the node of that name.
Shape shape_of(const Graph& graph, const std::string& name) {
  for (const Node& node : graph.nodes())
    if (node.name == name) return graph[node.outputs[0]].type.shape;
  ADD_FAILURE() << "no node " << name;
  return {};
}

TEST(ResNet, HasThePapersPlanesForImageNet) {
  const Graph graph = graph_of("resnet50", {3, 224, 224}, 1000);
  EXPECT_EQ(shape_of(graph, "conv1"), Shape({64, 112, 112}));
  EXPECT_EQ(shape_of(graph, "maxpool"), Shape({64, 56, 56}));
  EXPECT_EQ(shape_of(graph, "layer2.0.conv1"), Shape({128, 56, 56}));
  EXPECT_EQ(shape_of(graph, "layer2.0.conv2"), Shape({128, 28, 28}));
  EXPECT_EQ(shape_of(graph, "layer4.2.sum"), Shape({2048, 7, 7}));
}

}  // namespace
}  // namespace cairn
