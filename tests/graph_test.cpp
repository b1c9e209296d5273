#include <cmath>

#include <gtest/gtest.h>

#include "core/autodiff.h"
#include "core/executor.h"
#include "core/fuse.h"
#include "core/mixed.h"
#include "core/op_table.h"
#include "tests/expect_error.h"

namespace cairn {
namespace {

using Values = std::vector<double>;

TensorType batched(const Shape& shape) { return {DType::f32, shape, true}; }
TensorType plain(const Shape& shape) { return {DType::f32, shape, false}; }

TEST(Graph, RefusesWhatDoesNotFit) {
  Graph graph;
  const Value x = graph.input("x", batched({3})), w = graph.input("w", plain({2, 3}));
  const Value integers = graph.input("integers", {DType::i32, {3}, true});
  expect_error([&] { graph.add("linear", {x}); }, "linear: input w is missing");
  expect_error(
      [&] {
        graph.add("linear", {w, w});
      },
      "linear: input x is float32 (2, 3), but a batched float32 tensor is needed");
  expect_error([&] { graph.add("linear", {integers, w}); }, "input x is int32 (N, 3)");
  expect_error([&] { graph.add("tanh", {x, x}); }, "tanh takes at most 1 inputs, got 2");
  expect_error([&] { graph.add("tnh", {x}); }, "there is no op 'tnh'", "did you mean 'tanh'?");
  expect_error([&] { graph.add("tanh", {x}, "slope=1"); }, "tanh has no attribute 'slope'");
  expect_error([&] { graph.input("x", plain({})); }, "a value named 'x' already");
  expect_error([&] { graph.reshape(x, {2, 2}); }, "x of shape (3) can't be seen as (2, 2)");
  expect_error([&] { graph.find("X"); }, "no value 'X'", "did you mean 'x'?");
  EXPECT_TRUE(graph.nodes().empty()) << "a refused node leaves no trace";
}

TEST(Graph, PrintsANodeALine) {
  Graph graph;
  const Value x = graph.input("x", batched({2, 3}));
  graph.add("tanh", {graph.reshape(x, {6})}, {}, "t");
  EXPECT_EQ(to_text(graph), "t.y = tanh(x.view) : float32 (N, 6)\n");
}

TEST(Graph, FactorsOfProductsAreRoundedOnce) {
  Graph graph;
  const Value x = graph.input("x", batched({3}));
  const Value w = graph.parameter("w", {2, 3}, {}), b = graph.parameter("b", {2}, {});
  const Value y = graph.add("linear", {x, w, b}, {}, "fc");
  const Value labels = graph.input("labels", {DType::i32, {}, true});
  const Value loss = graph.add("softmax_cross_entropy", {y, labels}, {}, "loss");
  backward(graph, loss, graph.input("seed", {DType::f32, {}, false}));
  EXPECT_FALSE(factors_are_rounded(graph));
  round_factors(graph);
  EXPECT_TRUE(factors_are_rounded(graph));
  std::vector<std::string> rounded;
  for (const Node& node : graph.nodes()) {
    if (node.op->name == "round_bf16") rounded.push_back(graph[node.inputs[0]].name);
    if (node.op->name == "linear") {
      EXPECT_EQ(node.inputs[2], b) << "what is added is no factor";
    }
    if (node.op->name == "linear_dw") {
      EXPECT_EQ(graph[node.inputs[0]].name, "x.bf16.y");
    }
  }
  ASSERT_EQ(rounded.size(), 3u) << "x serves twice";
  EXPECT_EQ(std::vector(rounded.begin(), rounded.begin() + 2),
            (std::vector<std::string>{"x", "w"}));
}

TEST(Graph, OnlyReluVanishesIntoAResidualAdd) {
  Graph graph;
  const Value x = graph.input("x", batched({2}));
  graph.add("relu", {graph.add("residual_add", {x, x})}, {}, "a");
  graph.add("tanh", {graph.add("residual_add", {x, x})}, {}, "b");
  fuse_epilogues(graph);
  ASSERT_EQ(graph.nodes().size(), 3u) << to_text(graph);
  EXPECT_EQ(graph.nodes()[0].attrs.to_string(), "activation=relu");
  EXPECT_EQ(graph.nodes()[1].attrs.to_string(), "activation=none");
}

TEST(Store, TellsWhatIsMissingOrClashes) {
  const auto device = open_device("reference", 1);
  Graph first, second, third;
  first.input("x", batched({3}));
  second.input("x", batched({4}));
  third.parameter("w", {2}, {});
  Store store(*device, ParameterMap(first));
  store.declare(first, 8, 2);
  expect_error([&] { store.declare(second, 8, 2); }, "two graphs declare 'x'");
  expect_error([&] { store.declare(third, 8, 2); }, "parameter 'w' is not in the store's");
  expect_error([&] { (void)store.tensor("y"); }, "nothing named 'y'");
}

/// A graph that is run once in float64 on one example.
class SingleRun {
 public:
  explicit SingleRun(Graph graph)
      : program_(compile(std::move(graph), {.keep = true, .real = DType::f64}, 0, false)) {
    const Program* programs[] = {&program_};
    executor_ = std::make_unique<Executor>(program_, store, make_scratch(*device_, programs));
    store.write_step("step", {.n_valid = 1});
  }
  void run() { executor_->run(); }
  Values read(Value v) const { return executor_->read(v, 1); }

 private:
  Program program_;
  std::unique_ptr<Device> device_ = open_device("reference", 1);

 public:
  Store store{*device_, ParameterMap(program_.graph), DType::f64};

 private:
  std::unique_ptr<Executor> executor_;
};

/// The derivative of `y` by `x`, seeded with ones that the caller writes to "dy".
Value derivative(Graph& graph, Value y, Value x) {
  const Value outputs[] = {y}, seeds[] = {graph.input("dy", graph[y].type)}, wrt[] = {x};
  return gradients(graph, outputs, seeds, wrt).at(0);
}

TEST(Autodiff, UsesAddInTheOrderOfTheBackwardWalk) {
  Graph graph;
  const Value x = graph.input("x", batched({1}));
  const Value t = graph.add("tanh", {x}), s = graph.add("sigmoid", {x});
  const Value dx = derivative(graph, graph.add("add", {t, s}), x);
  const Node& sum = graph.nodes().back();
  ASSERT_EQ(sum.op->name, "add");
  const auto maker = [&](Value v) {
    return graph.nodes()[static_cast<size_t>(graph[v].producer)].op->name;
  };
  EXPECT_EQ(maker(sum.inputs[0]), "sigmoid_grad") << "the later use comes first";
  EXPECT_EQ(maker(sum.inputs[1]), "tanh_grad");
  SingleRun run(std::move(graph));
  run.store.write("x", Values{0.5});
  run.store.write("dy", Values{1});
  run.run();
  const double th = std::tanh(0.5), sg = 1 / (1 + std::exp(-0.5));
  EXPECT_NEAR(run.read(dx).at(0), sg * (1 - sg) + (1 - th * th), 1e-15);
}

TEST(Autodiff, NoGradientWhereNothingDepends) {
  Graph graph;
  const Value x = graph.input("x", batched({1})), z = graph.input("z", batched({1}));
  EXPECT_FALSE(derivative(graph, graph.add("tanh", {x}), z));
}

TEST(Autodiff, ViewsShareOneGradientInTheBasesShape) {
  Graph graph;
  const Value x = graph.input("x", batched({4}));
  const Value square = graph.reshape(x, {2, 2});
  const Value s = graph.reshape(graph.add("sigmoid", {square}), {4});
  const Value dx = derivative(graph, graph.add("add", {graph.add("tanh", {x}), s}), x);
  EXPECT_EQ(graph[dx].type, batched({4}));
  SingleRun run(std::move(graph));
  run.store.write("x", Values{0, 0, 0, 1});
  run.store.write("dy", Values{1, 2, 4, 0});
  run.run();
  const Values got = run.read(dx), want{1.25, 2.5, 5, 0};
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(got[i], want[i], 1e-15);
}

TEST(Autodiff, SecondDerivativeWithoutARuleIsAnError) {
  Graph graph;
  const Value x = graph.input("x", batched({1}));
  const Value dx = derivative(graph, graph.add("tanh", {x}), x);
  const Value outputs[] = {dx}, seeds[] = {graph.input("ddx", graph[dx].type)}, wrt[] = {x};
  expect_error([&] { gradients(graph, outputs, seeds, wrt); }, "tanh_grad has no derivative");
}

/// y = w (w x): dy/dw = 2 w x, summed over the examples, whichever way it is planned; a second run
/// adds.
TEST(Autodiff, ParameterOfTwoNodes) {
  const struct {
    const char* device;
    PlanOptions options;
    bool fuse;
  } ways[] = {{"reference", {.capacity = 3, .width = 3}, false},
              {"reference", {.capacity = 3, .width = 3}, true},
              {"cpu", {.capacity = 3, .width = 1, .sliced = true}, false},
              {"cpu", {.capacity = 3, .width = 1, .sliced = true}, true}};
  for (const auto& way : ways) {
    Graph graph;
    const Value x = graph.input("x", batched({1})), dy = graph.input("dy", batched({1}));
    const Value w = graph.parameter("w", {1, 1}, {});
    backward(graph, graph.add("linear", {graph.add("linear", {x, w}), w}), dy);
    const auto device = open_device(way.device, 2);
    const Program program = compile(std::move(graph), way.options, 0, way.fuse);
    const Program* programs[] = {&program};
    Store store(*device, ParameterMap(program.graph));
    Executor executor(program, store, make_scratch(*device, programs));
    store.write("w", Values{3});
    store.write("x", Values{1, 2, 4});
    store.write("dy", Values{1, 1, 1});
    store.write_step("step", {.n_valid = 3});
    for (const double total : {42.0, 84.0}) {
      executor.run();
      EXPECT_EQ(store.read("w.grad"), Values{total}) << way.device << way.fuse;
    }
  }
}

}  // namespace
}  // namespace cairn
