// Gradient rules against central differences, and a device's gradients against the reference's. The
// loss is L = sum r_i y_i over all elements of the outputs that gradients pass through, with random
// r.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "core/error.h"
#include "verify/checks.h"
#include "verify/record.h"

namespace cairn {
namespace {

// The error of a central difference is (h^2/6) |f'''| + (u/h) |f| with u = 1.1e-16; it is least at
// h = (3u)^(1/3) = 7e-6 where f and f''' are about 1 (Press et al., Numerical Recipes, 2007, 5.7).
constexpr double kStep = 1e-5;
constexpr double kGradientTolerance = 1e-6;  // of max(1, |g|)
constexpr double kKink = 1e-2;               // one-sided slopes of a smooth function differ by less
constexpr double kMostKinks = 0.05;          // of an input's elements, or directions
constexpr int64_t kAllElements = 2000;       // more are checked along random directions
constexpr double kAllFlops = 1e9;  // likewise where single elements would take longer than this
constexpr int kDirections = 20;
// In place of these where builds run slowly: the differences are the reference's alone, whatever
// the device.
constexpr int64_t kFewElements = 50;
constexpr int kFewDirections = 2;

bool few() { return std::getenv("CAIRN_FEW") != nullptr; }
int64_t most_elements() { return few() ? kFewElements : kAllElements; }
int directions() { return few() ? kFewDirections : kDirections; }

std::vector<int> floating_outputs(const OpDef& op) {
  std::vector<int> outputs;
  for (size_t i = 0; i < op.outputs.size(); ++i)
    if (is_floating(op.outputs[i].dtype)) outputs.push_back(static_cast<int>(i));
  return outputs;
}

/// The Error that asking for the gradient through these outputs brings; empty where there is none.
std::string refusal(const OpCall& call, const std::vector<int>& seeded) {
  try {
    OpRunner(reference_device(), call, {.real = DType::f64, .seeded = seeded});
    return "";
  } catch (const Error& e) {
    return e.what();
  }
}

/// An output that gradients don't pass must be refused beside others too: leaving its share out
/// would be a wrong gradient.
void require_refusals(Record& record, const OpCall& call, const std::vector<int>& open) {
  for (const int i : floating_outputs(*call.op)) {
    if (std::ranges::find(open, i) != open.end()) continue;
    std::vector<int> both = open;
    both.push_back(i);
    record.require(refusal(call, both) != "", "gradient", "",
                   fmt::format("the gradient through output {} is left out silently beside others",
                               call.op->outputs[static_cast<size_t>(i)].name));
  }
}

/// r for each of the outputs, exact in float32.
std::vector<std::vector<double>> loss_weights(const OpCall& call, const std::vector<int>& outputs) {
  OpRunner runner(reference_device(), call, {.real = DType::f64});
  runner.run();
  std::vector<std::vector<double>> weights;
  for (const int k : outputs) {
    const HostTensor y = runner.output(k);
    weights.push_back(random_values(count_of(y, call.n), fmt::format("weights of output {}", k)));
    for (double& r : weights.back()) r = static_cast<float>(r);
  }
  return weights;
}

class GradientCheck {
 public:
  GradientCheck(Record& record, const OpCall& call, const std::vector<int>& outputs)
      : record_(record),
        call_(call),
        outputs_(outputs),
        weights_(loss_weights(call, outputs)),
        forward_(reference_device(), call, {.real = DType::f64}) {}

  void run() {
    OpRunner backward(reference_device(), call_, {.real = DType::f64, .seeded = outputs_});
    for (size_t k = 0; k < outputs_.size(); ++k) backward.set_seed(outputs_[k], weights_[k]);
    backward.run();
    for (size_t i = 0; i < call_.inputs.size(); ++i)
      if (call_.inputs[i] && is_floating(call_.inputs[i]->type.dtype) &&
          call_.op->inputs[i].use != Use::constant)
        check_input(static_cast<int>(i), backward.gradient(static_cast<int>(i)));
  }

 private:
  void check_input(int i, const std::optional<HostTensor>& gradient) {
    const HostTensor& x = call_.inputs[static_cast<size_t>(i)].value();
    const std::string name(call_.op->inputs[static_cast<size_t>(i)].name);
    const std::vector<double> g =
        gradient ? gradient->values : std::vector<double>(x.values.size());
    const auto count = std::ssize(x.values);
    const bool all = count <= most_elements() &&
                     static_cast<double>(2 * count) * forward_.cost().flops <= kAllFlops;
    std::vector<double> direction(x.values.size());
    Finding worst{.row = record_.row(), .property = "gradient", .where = "", .value = ""};
    worst.tolerance = kGradientTolerance;
    kinks_ = 0;
    for (int64_t k = 0; k < (all ? count : directions()); ++k) {
      if (all)
        direction[static_cast<size_t>(k)] = 1;
      else
        direction = unit_direction(count, k);
      compare(i, direction, g,
              all ? element_name("dL/d" + name, x.type, k)
                  : fmt::format("dL/d{} along direction {}", name, k),
              worst);
      if (all) direction[static_cast<size_t>(k)] = 0;
    }
    if (!all && !worst.passed) name_element(i, name, g, worst);
    record_.add(std::move(worst));
    record_.require(
        static_cast<double>(kinks_) <= kMostKinks * static_cast<double>(all ? count : directions()),
        "gradient", "",
        fmt::format("input {}: too many places where slopes jump; choose other values", name));
  }

  /// Puts the first wrong element in the place of a direction, where it is found in time.
  void name_element(int i, const std::string& name, const std::vector<double>& g, Finding& worst) {
    const HostTensor& x = call_.inputs[static_cast<size_t>(i)].value();
    const double affordable = kAllFlops / std::max(1.0, 2 * forward_.cost().flops);
    const int64_t tries =
        std::min({std::ssize(x.values), most_elements(), static_cast<int64_t>(affordable)});
    std::vector<double> direction(x.values.size());
    for (int64_t k = 0; k < tries; ++k) {
      Finding single = worst;
      single.value.clear();
      direction[static_cast<size_t>(k)] = 1;
      compare(i, direction, g, element_name("dL/d" + name, x.type, k), single);
      direction[static_cast<size_t>(k)] = 0;
      if (single.passed) continue;
      worst = std::move(single);
      return;
    }
  }

  static std::vector<double> unit_direction(int64_t count, int64_t k) {
    std::vector<double> v = random_values(count, fmt::format("direction {}", k));
    double square = 0;
    for (const double e : v) square += e * e;
    for (double& e : v) e /= std::sqrt(square);
    return v;
  }

  /// The derivative along `direction` of input i by the rule's gradient g and by differences; kept
  /// in `worst` where it is the worst so far.
  void compare(int i, const std::vector<double>& direction, const std::vector<double>& g,
               const std::string& place, Finding& worst) {
    double along = 0;
    for (size_t j = 0; j < g.size(); ++j) along += g[j] * direction[j];
    const double tolerance = kGradientTolerance * std::max(1.0, std::abs(along));
    double wanted = slope(i, direction, -kStep, kStep);
    if (!(std::abs(along - wanted) <= tolerance)) wanted = at_a_kink(i, direction, along, wanted);
    const double error = std::abs(along - wanted);
    const bool passed = error <= tolerance;
    const bool is_worse = !(error / tolerance <= share_of_tolerance(worst));
    if (!worst.value.empty() && (!is_worse || !worst.passed)) return;
    worst.value = place, worst.got = along, worst.wanted = wanted;
    worst.error = error, worst.tolerance = tolerance, worst.passed = passed;
    if (!passed)
      worst.fault =
          fmt::format("{}: the rule gives {:.9g}, the difference {:.9g} (tolerance {:.3g})", place,
                      along, wanted, tolerance);
  }

  /// What `along` should be. Where the slopes to the left and to the right differ, as at relu's
  /// zero, any value between them is right; such places are counted.
  double at_a_kink(int i, const std::vector<double>& direction, double along, double difference) {
    const double left = slope(i, direction, -kStep, 0), right = slope(i, direction, 0, kStep);
    if (!(std::abs(right - left) > kKink * std::max(1.0, std::abs(along)))) return difference;
    ++kinks_;
    return std::clamp(along, std::min(left, right), std::max(left, right));
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

  Record& record_;
  const OpCall& call_;
  const std::vector<int>& outputs_;
  std::vector<std::vector<double>> weights_;
  OpRunner forward_;
  int64_t kinks_ = 0;  // of the input that is being checked
};

/// dL/d(input) of each floating input, as one device gives them.
Results gradients_of(Device& device, const OpCall& call, const std::vector<int>& outputs,
                     const std::vector<std::vector<double>>& weights, OpRunOptions options) {
  options.seeded = outputs;
  OpRunner runner(device, call, options);
  for (size_t k = 0; k < outputs.size(); ++k) runner.set_seed(outputs[k], weights[k]);
  runner.run();
  Results results;
  for (size_t i = 0; i < call.inputs.size(); ++i)
    if (call.inputs[i] && is_floating(call.inputs[i]->type.dtype))
      if (auto gradient = runner.gradient(static_cast<int>(i)))
        results.push_back({fmt::format("dL/d{}", call.op->inputs[i].name), std::move(*gradient)});
  return results;
}

}  // namespace

std::vector<int> differentiable_outputs(const OpCall& call) {
  std::vector<int> open = floating_outputs(*call.op);
  std::erase_if(open, [&](int i) { return !refusal(call, {i}).empty(); });
  return open;
}

Findings check_gradient(const OpCase& c, const Target&) {
  Record record(c.label());
  const OpCall call = make_call(c);
  const std::vector<int> outputs = differentiable_outputs(call);
  record.require(!outputs.empty(), "gradient", "", "no output has a derivative");
  require_refusals(record, call, outputs);
  if (!outputs.empty()) GradientCheck(record, call, outputs).run();
  return std::move(record).findings();
}

Findings check_device_gradient(const OpCase& c, const Target& target) {
  Record record(c.label());
  const OpCall call = rounded(make_call(c));
  const std::vector<int> outputs = differentiable_outputs(call);
  const auto weights = loss_weights(call, outputs);
  const auto run = [&](Device& device, const OpRunOptions& plan) {
    return gradients_of(device, call, outputs, weights, plan);
  };
  const Expected want(run(reference_device(), {.real = DType::f64}), run(reference_device(), {}),
                      call.step.n_valid);
  std::vector<OpRunOptions> plans{{}};
  if (target.device().kind() != DeviceKind::cuda) plans.push_back({.width = 8, .sliced = true});
  for (const OpRunOptions& plan : plans)
    record.compare("device gradient", place_of(target.device(), plan), run(target.device(), plan),
                   want, call.step.n_valid);
  return std::move(record).findings();
}

Findings check_no_derivative(const OpCase& c, const Target&) {
  Record record(c.label());
  const std::string message = refusal(make_call(c), floating_outputs(*c.op));
  record.require(message.starts_with(std::string(c.op->name) + " has no derivative"), "contract",
                 "", fmt::format("a gradient through it isn't refused by name: \"{}\"", message));
  return std::move(record).findings();
}

}  // namespace cairn
