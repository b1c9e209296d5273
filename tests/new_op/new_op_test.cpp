// An op from outside the tree. This program links the same library and the same op suite as the
// others; its folder kernels/cube and one CMake line, cairn_add_op_folders, make the op known.
#include <algorithm>
#include <filesystem>
#include <set>

#include <gtest/gtest.h>

#include "core/autodiff.h"
#include "core/op_runner.h"
#include "core/op_table.h"

namespace cairn {
namespace {

TEST(NewOp, TableHoldsTheTreeAndTheNewFolder) {
  std::set<std::string> expected{"cube"}, found;
  for (const auto& entry : std::filesystem::directory_iterator(CAIRN_SOURCE_DIR "/kernels"))
    if (entry.is_directory()) expected.insert(entry.path().filename());
  for (const OpFolder& folder : op_folders()) found.emplace(folder.name);
  EXPECT_EQ(found, expected);
  EXPECT_EQ(find_op("cube").name, "cube");
}

TEST(NewOp, TreeKnowsNothingOfIt) {
  for (const char* folder : {"core", "kernels", "layers", "models", "train", "apps"}) {
    const std::filesystem::path root = std::filesystem::path(CAIRN_SOURCE_DIR) / folder;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root))
      EXPECT_NE(entry.path().stem(), "cube") << entry.path();
  }
}

/// y = tanh(x)^3, so dy/dx = 3 tanh(x)^2 (1 - tanh(x)^2).
TEST(NewOp, TakesPartInAGraphAndItsGradient) {
  Graph graph;
  const TensorType type{DType::f32, {1}, true};
  const Value x = graph.input("x", type), dy = graph.input("dy", type);
  const Value y = graph.add("cube", {graph.add("tanh", {x})});
  const Value outputs[] = {y}, seeds[] = {dy}, wrt[] = {x};
  const Value dx = gradients(graph, outputs, seeds, wrt).at(0);

  const auto device = open_device("reference", 1);
  const PlanOptions options{.capacity = 1, .keep = true, .real = DType::f64};
  const Program program = compile(std::move(graph), options, 0);
  const Program* programs[] = {&program};
  Store store(*device, ParameterMap(program.graph), DType::f64);
  Executor executor(program, store, make_scratch(*device, programs));
  const double half[] = {0.5}, one[] = {1};
  store.write("x", half);
  store.write("dy", one);
  store.write_step("step", {.n_valid = 1});
  executor.run();
  const double t = std::tanh(0.5);
  EXPECT_NEAR(executor.read(y, 1).at(0), t * t * t, 1e-15);
  EXPECT_NEAR(executor.read(dx, 1).at(0), 3 * t * t * (1 - t * t), 1e-15);
}

}  // namespace
}  // namespace cairn
