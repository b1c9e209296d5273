// Sigmoid, tanh and ReLU with their derivatives, by the ops and their gradient rules.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/op_runner.h"
#include "core/op_table.h"
#include "lab/lab.h"

namespace cairn::lab {
namespace {

struct Graphed {
  std::vector<double> y, slope;
};

/// An activation function and its derivative at each x.
Graphed look(Device& device, const char* op, const std::vector<double>& x) {
  const auto n = static_cast<int64_t>(x.size());
  OpCall call;
  call.op = &find_op(op);
  call.attrs = Attrs(call.op->attrs.items);
  call.inputs = {HostTensor{{DType::f32, {}, true}, x}};
  call.n = n, call.step.n_valid = n;
  OpRunner runner(device, call, {.seeded = {0}});
  runner.set_seed(0, std::vector<double>(x.size(), 1.0));
  runner.run();
  return {runner.output(0).values, runner.gradient(0)->values};
}

/// The product of ten derivatives of the sigmoid, each where it is largest: backpropagation through
/// ten layers of one unit with weight 1, none of which can do better.
double ten_layers(Device& device) {
  double product = 1, x = 0;
  for (int layer = 0; layer < 10; ++layer) {
    const Graphed unit = look(device, "sigmoid", {x});
    product *= unit.slope[0];
    x = unit.y[0] - 0.5;  // the bias that leads back to 0
  }
  return product;
}

void measure(Lab& lab) {
  std::vector<double> x;
  for (int i = -240; i <= 240; ++i) x.push_back(i / 40.0);
  const Graphed sigmoid = look(lab.device(), "sigmoid", x), tanh = look(lab.device(), "tanh", x),
                relu = look(lab.device(), "relu", x);
  Measurements& table =
      lab.table("activations", {"x", "sigmoid", "sigmoid'", "tanh", "tanh'", "relu", "relu'"});
  for (size_t i = 0; i < x.size(); ++i)
    table.add(
        {x[i], sigmoid.y[i], sigmoid.slope[i], tanh.y[i], tanh.slope[i], relu.y[i], relu.slope[i]});
  const auto plot = [&](const char* name, const char* title, const char* y, const char* tick) {
    Plot p{name, title, "x", y, {}, false, "-1.1:1.6"};
    for (const std::string f : {"sigmoid", "tanh", "relu"})
      p.curves.push_back({f + tick, &table, "x", f + tick});
    lab.plot(std::move(p));
  };
  plot("functions", "Three activation functions", "f(x)", "");
  plot("derivatives", "What they leave of a gradient", "f'(x)", "'");

  const auto peak = [](const Graphed& f) { return *std::ranges::max_element(f.slope); };
  const double a = peak(sigmoid), b = peak(tanh), c = peak(relu), ten = ten_layers(lab.device());
  lab.find({"the sigmoid's derivative is at most 1/4", "0.25 at x = 0", fmt::format("{:.6g}", a),
            std::abs(a - 0.25) < 1e-6});
  lab.find({"tanh's is at most 1", "1 at x = 0", fmt::format("{:.6g}", b), std::abs(b - 1) < 1e-6});
  lab.find({"ReLU passes a gradient on whole wherever it is positive", "1 for all x > 0",
            fmt::format("{:.6g} at x = {:.3g}", relu.slope.back(), x.back()),
            c == 1 && relu.slope.back() == 1});
  lab.find({"ten sigmoids leave about a millionth of it", "0.25^10 = 9.54e-07",
            fmt::format("{:.3g}", ten), std::abs(ten / std::pow(0.25, 10) - 1) < 1e-5});
}

constexpr Experiment kExperiments[] = {
    {.name = "activations",
     .claim =
         "A gradient that passes a sigmoid shrinks to a quarter at best, so ten layers leave a "
         "millionth; ReLU passes it on whole.",
     .source = "Hochreiter 1991; Glorot, Bordes and Bengio 2011",
     .measures = "the functions and, by their gradient rules, their derivatives from -6 to 6",
     .time = "1 s",
     .measure = measure}};

}  // namespace

extern const std::span<const Experiment> activations_experiments;
constinit const std::span<const Experiment> activations_experiments{kExperiments};

}  // namespace cairn::lab
