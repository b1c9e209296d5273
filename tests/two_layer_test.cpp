// The two-layer network y = W2 s(W1 x), s the logistic sigmoid, stepped node by node. By hand, for
//
//   W1 = | 1    -2   |    x = | 2 |    W2 = | 2 -4 |
//        | ln 3 -ln 3 |        | 1 |
//
//   forward     z = W1 x = (1*2 - 2*1, ln 3 * 2 - ln 3 * 1) = (0, ln 3)
//               s = 1 / (1 + exp(-z)) = (1/2, 3/4)
//               y = 2 * 1/2 - 4 * 3/4 = -2
//   local       ds/dz = s (1 - s) = (1/4, 3/16)        dy/ds = W2 = (2, -4)
//               dy/dW2 = s                              dz_i/dW1_ij = x_j
//   backward    with dL/dy = 1:
//               ds  = W2' dy = (2, -4)                  dW2 = dy s' = (1/2, 3/4)
//               dz  = ds s (1 - s) = (2/4, -4 * 3/16) = (1/2, -3/4)
//               dx  = W1' dz = (1/2 - 3/4 ln 3, -1 + 3/4 ln 3)
//               dW1 = dz x' = | 1/2 * 2  1/2 * 1  | = |  1    0.5  |
//                             | -3/4 * 2 -3/4 * 1 |   | -1.5 -0.75 |
#include <gtest/gtest.h>

#include "core/autodiff.h"
#include "core/op_runner.h"

namespace cairn {
namespace {

using Values = std::vector<double>;
using Rows = std::vector<Values>;

constexpr double kLn3 = 1.0986122886681098;

class TwoLayer : public testing::Test {
 protected:
  TwoLayer() : program(compile(network(), {.keep = true, .real = DType::f64}, 0, false)) {
    const Program* programs[] = {&program};
    executor = std::make_unique<Executor>(program, store, make_scratch(*device, programs));
    store.write("W1", Values{1, -2, kLn3, -kLn3});
    store.write("W2", Values{2, -4});
    store.write("x", Values{2, 1});
    store.write("dy", Values{1});
    store.write_step("step", {.n_valid = 1});
  }

  Graph network() {
    Graph graph;
    const Value x = graph.input("x", {DType::f32, {2}, true});
    const Value dy = graph.input("dy", {DType::f32, {1}, true});
    const Value w1 = graph.parameter("W1", {2, 2}, {}), w2 = graph.parameter("W2", {1, 2}, {});
    z = graph.add("linear", {x, w1}, {}, "first");
    s = graph.add("sigmoid", {z}, {}, "sigmoid");
    y = graph.add("linear", {s, w2}, {}, "second");
    const Value outputs[] = {y}, seeds[] = {dy}, wrt[] = {z, s, x, w1, w2};
    const auto found = gradients(graph, outputs, seeds, wrt);
    dz = found[0], ds = found[1], dx = found[2], dw1 = found[3], dw2 = found[4];
    return graph;
  }

  void expect(Value v, const Values& want) {
    const Values got = executor->read(v, 1);
    ASSERT_EQ(got.size(), want.size()) << program.graph[v].name;
    for (size_t i = 0; i < want.size(); ++i)
      EXPECT_NEAR(got[i], want[i], 1e-15) << program.graph[v].name << " element " << i;
  }

  void expect_rows(const Rows& got, const Rows& want) {
    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < want.size(); ++i)
      for (size_t j = 0; j < want[i].size(); ++j)
        EXPECT_NEAR(got[i].at(j), want[i][j], 1e-15) << i << ", " << j;
  }

  Value z, s, y, dz, ds, dx, dw1, dw2;  // set by network()
  Program program;
  std::unique_ptr<Device> device = open_device("reference", 1);
  Store store{*device, ParameterMap(program.graph), DType::f64};
  std::unique_ptr<Executor> executor;
};

TEST_F(TwoLayer, SteppedNodeByNode) {
  executor->run_node(0);
  expect(z, {0, kLn3});
  executor->run_node(1);
  expect(s, {0.5, 0.75});
  executor->run_node(2);
  expect(y, {-2});

  // The backward pass as autodiff appended it: each node's op, value and gradient.
  const struct {
    const char* op;
    Value value;
    Values gradient;
  } backward[] = {{"linear_dx", ds, {2, -4}},
                  {"linear_dw", dw2, {0.5, 0.75}},
                  {"sigmoid_grad", dz, {0.5, -0.75}},
                  {"linear_dx", dx, {0.5 - 0.75 * kLn3, -1 + 0.75 * kLn3}},
                  {"linear_dw", dw1, {1, 0.5, -1.5, -0.75}}};
  int node = 3;
  for (const auto& step : backward) {
    EXPECT_EQ(program.graph.nodes().at(static_cast<size_t>(node)).op->name, step.op);
    executor->run_node(node++);
    expect(step.value, step.gradient);
  }
  EXPECT_EQ(static_cast<size_t>(node), program.graph.nodes().size());
}

TEST_F(TwoLayer, LocalDerivatives) {
  executor->run();
  expect_rows(local_derivative(*executor, store, 1, 0, 0, 1), {{0.25, 0}, {0, 0.1875}});  // ds/dz
  expect_rows(local_derivative(*executor, store, 2, 0, 0, 1), {{2, -4}});                 // dy/ds
  expect_rows(local_derivative(*executor, store, 2, 1, 0, 1), {{0.5, 0.75}});             // dy/dW2
  expect_rows(local_derivative(*executor, store, 0, 1, 0, 1),
              {{2, 1, 0, 0}, {0, 0, 2, 1}});  // dz/dW1
}

}  // namespace
}  // namespace cairn
