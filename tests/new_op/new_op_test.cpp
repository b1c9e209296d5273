// An op from outside the tree. This program links the same library and the same op suite as the
// others; its folder kernels/cube and one CMake line, cairn_add_op_folders, make the op known.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <stdexcept>

#include <gtest/gtest.h>

#include "core/autodiff.h"
#include "core/op_runner.h"
#include "core/op_table.h"
#include "tests/op_suite.h"

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
  for (const char* folder : {"core", "kernels", "layers", "models", "train", "apps", "verify"}) {
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

Findings failures_of(const OpDef& op) {
  Findings findings = check_op(op, cpu_target());
  EXPECT_GT(findings.size(), 20u);
  std::erase_if(findings, [](const Finding& finding) { return finding.passed; });
  return findings;
}

TEST(NewOp, ChecksPass) { EXPECT_TRUE(failures_of(find_op("cube")).empty()); }

TEST(NewOp, ChecksNameTheElementOfAWrongGradient) {
  OpDef op = find_op("cube");
  op.gradient = GradientFn([](GradientRule& rule) {  // 3 dy^2 x
    rule.set(0, rule.emit("cube_grad", {rule.dout(0), rule.in(0)}));
  });
  std::set<std::string> rows;
  for (const Finding& finding : failures_of(op)) {
    EXPECT_EQ(finding.property, "gradient");
    EXPECT_TRUE(finding.value.starts_with("dL/dx[")) << finding.value;
    EXPECT_NE(finding.fault.find(finding.value), std::string::npos) << finding.fault;
    EXPECT_GT(finding.error, finding.tolerance);
    EXPECT_NEAR(std::abs(finding.got - finding.wanted), finding.error, 1e-12);
    rows.insert(finding.row);
  }
  EXPECT_EQ(rows, (std::set<std::string>{"cube.golden", "cube.golden.plain", "cube.planes",
                                         "cube.planes.plain"}));
}

void five_first(const Args& args) {
  find_op("cube").reference.f32(args);
  args.out[0].at<float>(0, 0) = 5;
}

TEST(NewOp, ChecksNameTheElementOfAWrongKernel) {
  OpDef op = find_op("cube");
  op.cpu = five_first;
  const OpCase golden = cases_of(op).front();
  Target target = cpu_target();
  target.plans = {{}};
  for (const auto check : {check_golden, check_device})
    for (const Finding& finding : check(golden, target)) {
      if (finding.passed) continue;
      EXPECT_EQ(finding.value, "y[0, 0]");
      EXPECT_EQ(finding.got, 5);
      EXPECT_EQ(finding.wanted, -8);
      EXPECT_EQ(finding.error, 13);
      EXPECT_TRUE(finding.where.starts_with("cpu (")) << finding.where;
    }
  const auto failed = [](const Finding& finding) { return !finding.passed; };
  EXPECT_EQ(std::ranges::count_if(check_golden(golden, target), failed), 1);
  EXPECT_GE(std::ranges::count_if(check_device(golden, target), failed), 1);
}

TEST(NewOp, AnExceptionIsAFinding) {
  OpDef op = find_op("cube");
  op.cpu = [](const Args&) { throw std::runtime_error("no such kernel"); };
  const Findings failures = failures_of(op);
  ASSERT_FALSE(failures.empty());
  EXPECT_EQ(failures.front().property, "contract");
  EXPECT_EQ(failures.front().fault, "no such kernel");
}

}  // namespace
}  // namespace cairn
