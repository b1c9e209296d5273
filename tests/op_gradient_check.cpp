// Gradient rules against central differences. The loss is L = sum r_i y_i over all elements of the
// outputs that gradients pass through, with random r.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/op_suite.h"

namespace cairn {
namespace {

constexpr double kStep = 1e-5;
constexpr double kTolerance = 1e-6;     // of max(1, |g|)
constexpr double kKink = 1e-2;          // one-sided slopes of a smooth function differ by less
constexpr double kMostKinks = 0.05;     // of an input's elements, or directions
constexpr int64_t kAllElements = 2000;  // more are checked along random directions
constexpr double kAllFlops = 1e9;  // likewise where single elements would take longer than this
constexpr int kDirections = 20;
constexpr int64_t kFewElements = 50;  // in place of kAllElements where builds run slowly

int64_t most_elements() { return std::getenv("CAIRN_FEW") ? kFewElements : kAllElements; }

std::vector<int> floating_outputs(const OpDef& op) {
  std::vector<int> outputs;
  for (size_t i = 0; i < op.outputs.size(); ++i)
    if (is_floating(op.outputs[i].dtype)) outputs.push_back(static_cast<int>(i));
  return outputs;
}

/// The Error that asking for the gradient through these outputs brings; empty where there is none.
std::string refusal(const OpCall& call, const std::vector<int>& seeded) {
  try {
    OpRunner(test_device("reference"), call, {.real = DType::f64, .seeded = seeded});
    return "";
  } catch (const Error& e) {
    return e.what();
  }
}

/// The outputs that gradients pass through. One that they don't pass must be refused beside others
/// too: leaving its share out would be a wrong gradient.
std::vector<int> differentiable_outputs(const OpCall& call) {
  std::vector<int> open, closed;
  for (const int i : floating_outputs(*call.op))
    (refusal(call, {i}).empty() ? open : closed).push_back(i);
  for (const int i : closed) {
    std::vector<int> both = open;
    both.push_back(i);
    EXPECT_NE(refusal(call, both), "")
        << "the gradient through output " << call.op->outputs[static_cast<size_t>(i)].name
        << " is left out silently beside others";
  }
  return open;
}

class GradientCheck {
 public:
  explicit GradientCheck(const OpCall& call)
      : call_(call),
        outputs_(differentiable_outputs(call)),
        forward_(test_device("reference"), call, {.real = DType::f64}) {}

  void run() {
    ASSERT_FALSE(outputs_.empty()) << "no output has a derivative";
    forward_.run();
    OpRunner backward(test_device("reference"), call_, {.real = DType::f64, .seeded = outputs_});
    for (const int k : outputs_) {
      const auto count = static_cast<int64_t>(forward_.output(k).values.size());
      weights_.push_back(random_values(count, fmt::format("weights of output {}", k)));
      backward.set_seed(k, weights_.back());
    }
    backward.run();
    for (size_t i = 0; i < call_.inputs.size(); ++i)
      if (call_.inputs[i] && is_floating(call_.inputs[i]->type.dtype))
        check_input(static_cast<int>(i), backward.gradient(static_cast<int>(i)));
  }

 private:
  void check_input(int i, const std::optional<HostTensor>& gradient) {
    const std::vector<double>& x = call_.inputs[static_cast<size_t>(i)]->values;
    const std::vector<double> g = gradient ? gradient->values : std::vector<double>(x.size());
    ASSERT_EQ(g.size(), x.size());
    const auto count = static_cast<int64_t>(x.size());
    const bool all =
        count <= most_elements() && static_cast<double>(2 * count) * flops() <= kAllFlops;
    std::vector<double> direction(x.size());
    kinks_ = 0;
    for (int64_t k = 0; k < (all ? count : kDirections); ++k) {
      if (all)
        direction[static_cast<size_t>(k)] = 1;
      else
        direction = unit_direction(count, k);
      double along = 0;
      for (size_t j = 0; j < g.size(); ++j) along += g[j] * direction[j];
      ASSERT_TRUE(agrees(i, direction, along))
          << "input " << call_.op->inputs[static_cast<size_t>(i)].name
          << (all ? ", element " : ", direction ") << k << ": the rule gives " << along
          << ", the difference " << slope(i, direction, -kStep, kStep);
      if (all) direction[static_cast<size_t>(k)] = 0;
    }
    EXPECT_LE(static_cast<double>(kinks_),
              kMostKinks * static_cast<double>(all ? count : kDirections))
        << "input " << call_.op->inputs[static_cast<size_t>(i)].name
        << ": too many places where slopes jump; choose other values";
  }

  double flops() const {
    Graph graph;
    std::vector<Value> inputs;
    for (size_t i = 0; i < call_.inputs.size(); ++i)
      inputs.push_back(call_.inputs[i] ? graph.input(fmt::format("{}", i), call_.inputs[i]->type)
                                       : Value{});
    graph.add(*call_.op, inputs, call_.attrs);
    NodeTypes types(graph, graph.nodes()[0], call_.n);
    return call_.op->cost(types.types()).flops;
  }

  static std::vector<double> unit_direction(int64_t count, int64_t k) {
    std::vector<double> v = random_values(count, fmt::format("direction {}", k));
    double square = 0;
    for (const double e : v) square += e * e;
    for (double& e : v) e /= std::sqrt(square);
    return v;
  }

  /// Whether `along` is the derivative of L along `direction` of input i. Where the slopes to the
  /// left and to the right differ, as at relu's zero, any value between them is right; such places
  /// are counted.
  bool agrees(int i, const std::vector<double>& direction, double along) {
    const double tolerance = kTolerance * std::max(1.0, std::abs(along));
    if (std::abs(slope(i, direction, -kStep, kStep) - along) <= tolerance) return true;
    const double left = slope(i, direction, -kStep, 0), right = slope(i, direction, 0, kStep);
    if (std::abs(right - left) <= kKink * std::max(1.0, std::abs(along))) return false;
    ++kinks_;
    return along >= std::min(left, right) - tolerance && along <= std::max(left, right) + tolerance;
  }

  /// (L(x + to direction) - L(x + from direction)) / (to - from) for input i at x.
  double slope(int i, const std::vector<double>& direction, double from, double to) {
    const std::vector<double>& x = call_.inputs[static_cast<size_t>(i)]->values;
    const auto outputs_at = [&](double step) {
      std::vector<double> moved = x;
      for (size_t j = 0; j < x.size(); ++j) moved[j] += step * direction[j];
      forward_.set_input(i, std::move(moved));
      forward_.run();
      std::vector<std::vector<double>> found;
      for (const int k : outputs_) found.push_back(forward_.output(k).values);
      return found;
    };
    const auto low = outputs_at(from), high = outputs_at(to);
    forward_.set_input(i, x);
    double sum = 0;
    for (size_t k = 0; k < low.size(); ++k)
      for (size_t j = 0; j < low[k].size(); ++j) sum += weights_[k][j] * (high[k][j] - low[k][j]);
    return sum / (to - from);
  }

  const OpCall& call_;
  std::vector<int> outputs_;
  std::vector<std::vector<double>> weights_;
  OpRunner forward_;
  int64_t kinks_ = 0;  // of the input that is being checked
};

}  // namespace

void check_gradient(const OpCase& c) {
  const OpCall call = make_call(c);
  GradientCheck(call).run();
}

void check_no_derivative(const OpCase& c) {
  const std::string message = refusal(make_call(c), floating_outputs(*c.op));
  EXPECT_TRUE(message.starts_with(std::string(c.op->name) + " has no derivative")) << message;
}

}  // namespace cairn
