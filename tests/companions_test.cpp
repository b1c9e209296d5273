// Ops that vanish into an earlier one that has all they read (core/fuse.h).
#include <gtest/gtest.h>

#include <algorithm>

#include "core/autodiff.h"
#include "core/executor.h"
#include "core/fuse.h"

namespace cairn {
namespace {

constexpr TensorType kScalar{DType::f32, {}, false};

TensorType batched(const Shape& shape) { return {DType::f32, shape, true}; }

std::vector<std::string> ops_of(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes()) names.emplace_back(node.op->name);
  return names;
}

const Node& node_of(const Graph& graph, std::string_view op) {
  const auto found =
      std::ranges::find(graph.nodes(), op, [](const Node& node) { return node.op->name; });
  EXPECT_NE(found, graph.nodes().end()) << op << " in " << to_text(graph);
  return *found;
}

/// A convolution and a layer behind it, with a loss and gradients for all parameters.
Graph small_net() {
  constexpr Init kInit{Init::Kind::uniform, 0.5};
  Graph graph;
  const Value x = graph.input("x", batched({1, 4, 4}));
  const Value c = graph.add("conv2d", {x, graph.parameter("c.w", {2, 1, 3, 3}, kInit),
                                       graph.parameter("c.b", {2}, kInit)});
  const Value y = graph.add(
      "linear", {graph.reshape(graph.add("tanh", {c}), {8}), graph.parameter("f.w", {3, 8}, kInit),
                 graph.parameter("f.b", {3}, kInit)});
  const Value labels = graph.input("labels", {DType::i32, {}, true});
  const Value loss = graph.add("softmax_cross_entropy", {y, labels});
  backward(graph, loss, graph.input("seed", kScalar));
  return graph;
}

TEST(Companions, VanishFromATrainingStep) {
  Graph graph = small_net();
  absorb_companions(graph);
  const std::vector<std::string> ops = ops_of(graph);
  for (const char* gone : {"bias_grad", "softmax_cross_entropy_grad"})
    EXPECT_EQ(std::ranges::count(ops, gone), 0) << to_text(graph);
  for (const char* op : {"linear_dw", "conv2d_dw"}) {
    const Node& node = node_of(graph, op);
    EXPECT_NE(node.attrs.to_string().find("bias=1"), std::string::npos) << op;
    const auto reads = [&](const Node& n) {
      return n.op->name == "accumulate" && n.inputs[1] == node.outputs[1];
    };
    EXPECT_TRUE(std::ranges::any_of(graph.nodes(), reads)) << op;
  }
  const Node& loss = node_of(graph, "softmax_cross_entropy");
  EXPECT_EQ(loss.inputs[2], graph.find("seed"));
  EXPECT_EQ(node_of(graph, "linear_dw").inputs[1], loss.outputs[3]);
}

TEST(Companions, ChangeNoGradient) {
  const auto gradients = [](bool fuse) {
    const auto device = open_device("reference", 1);
    const Program program =
        compile(small_net(), {.capacity = 3, .width = 3, .real = DType::f64}, 0, fuse);
    const Program* programs[] = {&program};
    Store store(*device, ParameterMap(program.graph), DType::f64);
    Executor executor(program, store, make_scratch(*device, programs));
    store.initialize(1);
    store.write_step("step", {.n_valid = 2});
    std::vector<double> x(3 * 16);
    for (size_t i = 0; i < x.size(); ++i) x[i] = 0.125 * static_cast<double>(i * 7 % 17);
    store.write("x", x);
    store.write("labels", std::vector<double>{2, 0, 1});
    store.write("seed", std::vector<double>{1});
    executor.run();
    return store.read("gradients");
  };
  const std::vector<double> apart = gradients(false);
  EXPECT_EQ(gradients(true), apart);
  EXPECT_GT(std::ranges::max(apart), 0);
}

TEST(Companions, StayWithAnotherGradient) {
  Graph graph;
  const Value x = graph.input("x", batched({2})), dy = graph.input("dy", batched({3})),
              other = graph.input("other", batched({3}));
  graph.add("bias_grad", {dy});  // too early
  graph.add("linear_dw", {x, dy});
  graph.add("bias_grad", {other});
  graph.add("bias_grad", {dy});
  graph.add("bias_grad", {dy});  // there is room for one
  absorb_companions(graph);
  EXPECT_EQ(ops_of(graph),
            (std::vector<std::string>{"bias_grad", "linear_dw", "bias_grad", "bias_grad"}));
  EXPECT_EQ(graph.nodes()[2].inputs[0], other);
}

TEST(Companions, StayWhereTheLossCannotTakeThem) {
  Graph graph;
  const Value x = graph.input("x", batched({3})), seed = graph.input("seed", kScalar);
  const Value labels = graph.input("labels", {DType::i32, {}, true});
  const auto loss = [&] {
    return graph.add("softmax_cross_entropy", {x, labels}, "reduction=sum"), graph.nodes().back();
  };
  const auto gradient = [&](const Node& of, Value dloss, std::string_view attrs) {
    graph.add("softmax_cross_entropy_grad", {of.outputs[2], labels, dloss}, attrs);
  };
  const Node late = loss();
  gradient(late, graph.add("scale", {seed}, "factor=2"), "reduction=sum");
  gradient(loss(), seed, "reduction=mean");
  gradient(loss(), seed, "reduction=sum");
  absorb_companions(graph);
  EXPECT_EQ(ops_of(graph),
            (std::vector<std::string>{"softmax_cross_entropy", "scale",
                                      "softmax_cross_entropy_grad", "softmax_cross_entropy",
                                      "softmax_cross_entropy_grad", "softmax_cross_entropy"}))
      << "made too late, of another loss, and the one that vanishes";
}

}  // namespace
}  // namespace cairn
