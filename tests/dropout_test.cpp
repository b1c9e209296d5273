// What is random about dropout: how many elements stay, and on what that depends.
#include <cmath>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/op_runner.h"
#include "core/op_table.h"
#include "tests/op_suite.h"

namespace cairn {
namespace {

constexpr int64_t kExamples = 37, kFeatures = 1003;

OpCall dropout_call(double p, int64_t step) {
  OpCall call;
  call.op = &find_op("dropout");
  call.attrs = Attrs::parse(call.op->attrs.items, fmt::format("p={}", p), "dropout");
  call.n = call.step.n_valid = kExamples, call.step.step = step;
  call.inputs.push_back(HostTensor{{DType::f32, {kFeatures}, true},
                                   std::vector<double>(size_t{kExamples * kFeatures}, 3.0)});
  return call;
}

struct Dropped {
  std::vector<double> y, mask;
};

Dropped run(const OpCall& call, const char* device = "cpu", const OpRunOptions& options = {}) {
  OpRunner runner(test_device(device), call, options);
  runner.run();
  return {runner.output(0).values, runner.output(1).values};
}

double agreement(const Dropped& a, const Dropped& b) {
  double equal = 0;
  for (size_t i = 0; i < a.mask.size(); ++i) equal += a.mask[i] == b.mask[i] ? 1 : 0;
  return equal / static_cast<double>(a.mask.size());
}

TEST(Dropout, KeepsAShareOfOneMinusPAndScalesIt) {
  for (const double p : {0.1, 0.5, 0.9}) {
    const Dropped got = run(dropout_call(p, 1));
    const auto count = static_cast<double>(got.y.size());
    double kept = 0;
    for (size_t i = 0; i < got.y.size(); ++i) {
      ASSERT_TRUE(got.mask[i] == 0 || got.mask[i] == 1);
      ASSERT_NEAR(got.y[i], got.mask[i] * 3 / (1 - p), 1e-5 / (1 - p));
      kept += got.mask[i];
    }
    EXPECT_NEAR(kept / count, 1 - p, 5 * std::sqrt(p * (1 - p) / count));
  }
}

TEST(Dropout, NeighboursAreIndependent) {
  const Dropped got = run(dropout_call(0.5, 1));
  double along = 0, across = 0;  // of two features, two examples: both kept or both dropped
  const size_t count = got.mask.size() - size_t{kFeatures};
  for (size_t i = 0; i < count; ++i) {
    along += got.mask[i] == got.mask[i + 1] ? 1 : 0;
    across += got.mask[i] == got.mask[i + size_t{kFeatures}] ? 1 : 0;
  }
  const double error = 5 * std::sqrt(0.25 / static_cast<double>(count));
  EXPECT_NEAR(along / static_cast<double>(count), 0.5, error);
  EXPECT_NEAR(across / static_cast<double>(count), 0.5, error);
}

TEST(Dropout, DependsOnStepSeedAndNode) {
  const OpCall call = dropout_call(0.5, 1);
  OpCall seed = call, node = call;
  seed.seed = 1, node.name = "dropout_2";
  const Dropped got = run(call);
  EXPECT_EQ(agreement(got, run(call)), 1);
  for (const OpCall& other : {dropout_call(0.5, 2), seed, node})
    EXPECT_NEAR(agreement(got, run(other)), 0.5, 0.02);
}

TEST(Dropout, IsTheSameOnEveryDeviceAndInEveryLayout) {
  const OpCall call = dropout_call(0.3, 5);
  const Dropped want = run(call, "reference", {.real = DType::f64});
  EXPECT_EQ(run(call).mask, want.mask);
  for (const int64_t width : {1, 8, 16, 32})
    EXPECT_EQ(run(call, "cpu", {.width = width, .sliced = true}).mask, want.mask) << width;
}

TEST(Dropout, GradientPassesWhatWasKept) {
  const OpCall call = dropout_call(0.5, 1);
  OpRunner runner(test_device("cpu"), call, {.seeded = {0}});
  runner.set_seed(0, std::vector<double>(call.inputs[0]->values.size(), 3.0));
  runner.run();
  EXPECT_EQ(runner.gradient(0).value().values, run(call).y);
}

}  // namespace
}  // namespace cairn
