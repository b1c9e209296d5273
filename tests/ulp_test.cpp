// Vectorised transcendental functions over the whole range of float32, against float64.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "core/op_table.h"
#include "tests/op_suite.h"

namespace cairn {
namespace {

constexpr double kUlps = 5;
constexpr uint32_t kStride = 4093;  // prime: every 4093rd float32 is about a million of them

std::vector<double> finite_floats() {
  std::vector<double> values;
  for (uint64_t bits = 0; bits <= 0xffffffffu; bits += kStride) {
    const float x = std::bit_cast<float>(static_cast<uint32_t>(bits));
    if (std::isfinite(x)) values.push_back(x);
  }
  return values;
}

/// The distance from y to `exact` in units of the last place of a float32 there. Beyond float32,
/// and where there is no value, y must be the nearest infinity, or NaN.
double ulps(double y, double exact) {
  if (std::isnan(exact)) return std::isnan(y) ? 0 : INFINITY;
  const float nearest = std::abs(static_cast<float>(exact));
  if (std::isinf(nearest)) return y == std::copysign(INFINITY, exact) ? 0 : INFINITY;
  const double unit = std::nextafter(nearest, INFINITY) - nearest;
  return std::abs(y - exact) / unit;
}

void expect_within(const char* name, double (*function)(double)) {
  const std::vector<double> x = finite_floats();
  OpCall call;
  call.op = &find_op(name);
  call.attrs = Attrs(call.op->attrs.items);
  call.step.n_valid = 1;
  call.inputs.push_back(HostTensor{{DType::f32, {static_cast<int64_t>(x.size())}, true}, x});
  OpRunner runner(test_device("cpu"), call, {});
  runner.run();
  const std::vector<double> y = runner.output(0).values;
  double worst = 0, at = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double error = ulps(y[i], function(x[i]));
    if (!(error <= worst)) worst = error, at = x[i];
  }
  EXPECT_LE(worst, kUlps) << name << " at " << at;
  testing::Test::RecordProperty("ulps", std::to_string(worst));
}

TEST(Ulp, Tanh) {
  expect_within("tanh", [](double x) { return std::tanh(x); });
}

TEST(Ulp, Sigmoid) {
  expect_within("sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); });
}

TEST(Ulp, Exp) {
  expect_within("exp", [](double x) { return std::exp(x); });
}

TEST(Ulp, Log) {
  expect_within("log", [](double x) { return std::log(x); });
}

TEST(Ulp, ScaledTanh) {
  expect_within("scaled_tanh", [](double x) { return 1.7159 * std::tanh(x * 2 / 3); });
}

TEST(Ulp, Elu) {
  expect_within("elu", [](double x) { return x < 0 ? std::expm1(x) : x; });
}

TEST(Ulp, Gelu) {
  expect_within("gelu", [](double x) { return x * std::erfc(-x * std::sqrt(0.5)) / 2; });
}

TEST(Ulp, Softplus) {
  expect_within("softplus", [](double x) { return x > 20 ? x : std::log1p(std::exp(x)); });
}

}  // namespace
}  // namespace cairn
