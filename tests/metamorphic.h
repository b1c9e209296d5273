// Laws that an op obeys whatever the values: generated shapes and numbers, no golden values. A
// failing case is shrunk and printed by RapidCheck.
#pragma once

#include <cmath>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "core/op_runner.h"
#include "core/op_table.h"
#include "tests/op_suite.h"

namespace cairn {

using Values = std::vector<double>;

/// Where a law is tried. What `tolerance` is relative to, each law says.
struct Machine {
  const char* device;
  DType real;
  double tolerance;
};
inline constexpr Machine kMachines[] = {{"reference", DType::f64, 1e-12},
                                        {"cpu", DType::f32, 1e-5}};

/// Runs a law for 100 generated cases on each machine: the same ones each time, unless RC_PARAMS
/// says otherwise.
template <class Law>
void check_law(Law law) {
  setenv("RC_PARAMS", "seed=20240229", 0);
  for (const Machine& machine : kMachines) {
    const rc::detail::TestResult result = rc::detail::checkTestable([&] { law(machine); });
    if (result.is<rc::detail::SuccessResult>()) continue;
    std::ostringstream text;
    rc::detail::printResultMessage(result, text);
    ADD_FAILURE() << machine.device << ": " << text.str();
  }
}

/// A number in [low, high].
inline int64_t any(int64_t low, int64_t high) { return *rc::gen::inRange(low, high + 1); }

/// Standard normal numbers, exact in float32.
inline Values any_values(int64_t count) {
  Values values = random_values(count, fmt::format("{}", *rc::gen::arbitrary<uint32_t>()));
  for (double& v : values) v = static_cast<float>(v);
  return values;
}

struct Operand {
  Shape shape;  // of one example where batched
  Values values;
};

/// The outputs of an op for `n` examples; inputs that are not given at the end are absent.
inline std::vector<Values> run_op(const Machine& machine, std::string_view name,
                                  std::string_view attrs, int64_t n,
                                  const std::vector<Operand>& operands) {
  const OpDef& op = find_op(name);
  OpCall call;
  call.op = &op, call.n = call.step.n_valid = n;
  call.attrs = Attrs::parse(op.attrs.items, attrs, name);
  for (size_t i = 0; i < operands.size(); ++i) {
    const InputDef& def = op.inputs[i];
    call.inputs.push_back(HostTensor{{def.dtype, operands[i].shape, def.layout != Layout::plain},
                                     operands[i].values});
  }
  call.inputs.resize(op.inputs.size());
  OpRunner runner(test_device(machine.device), call, {.real = machine.real});
  runner.run();
  std::vector<Values> outputs;
  for (size_t i = 0; i < op.outputs.size(); ++i)
    outputs.push_back(runner.output(static_cast<int>(i)).values);
  return outputs;
}

inline double dot(const Values& a, const Values& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// The sum of the sizes of a dot product's terms: what rounding errors are relative to.
inline double dot_size(const Values& a, const Values& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] * b[i]);
  return sum;
}

/// Fails the law where a value is off by more than machine.tolerance * (1 + terms), the number of
/// terms that went into it.
inline void expect_same(const Machine& machine, const Values& got, const Values& want,
                        double terms) {
  RC_ASSERT(got.size() == want.size());
  for (size_t i = 0; i < got.size(); ++i)
    if (!(std::abs(got[i] - want[i]) <= machine.tolerance * (1 + terms)))
      RC_FAIL(fmt::format("element {} is {:.17g}, not {:.17g}", i, got[i], want[i]));
}

/// Fails the law where a bit differs (no NaN occurs).
inline void expect_same_bits(const Values& got, const Values& want) {
  RC_ASSERT(got.size() == want.size());
  for (size_t i = 0; i < got.size(); ++i)
    if (got[i] != want[i] || std::signbit(got[i]) != std::signbit(want[i]))
      RC_FAIL(fmt::format("element {} is {:.17g}, not {:.17g}", i, got[i], want[i]));
}

/// A generated convolution or pool; pairs are (height, width).
struct Geometry {
  int64_t n = 1, in = 1, out = 1, groups = 1;
  int64_t size[2] = {1, 1}, kernel[2] = {1, 1}, stride[2] = {1, 1}, padding[2] = {0, 0},
          dilation[2] = {1, 1};

  int64_t out_size(int axis) const {
    const int64_t reach = dilation[axis] * (kernel[axis] - 1) + 1;
    return (size[axis] + 2 * padding[axis] - reach) / stride[axis] + 1;
  }
  Shape x() const { return {in, size[0], size[1]}; }
  Shape w() const { return {out, in / groups, kernel[0], kernel[1]}; }
  Shape y() const { return {out, out_size(0), out_size(1)}; }
  double terms() const { return static_cast<double>(w().elements() / out); }
  std::string pool_attrs() const {
    return fmt::format("stride={},{} padding={},{} kernel_size={},{}", stride[0], stride[1],
                       padding[0], padding[1], kernel[0], kernel[1]);
  }
  std::string conv_attrs() const {
    return fmt::format("stride={},{} padding={},{} dilation={},{} groups={}", stride[0], stride[1],
                       padding[0], padding[1], dilation[0], dilation[1], groups);
  }
  std::string input_size() const { return fmt::format(" input_size={},{}", size[0], size[1]); }
  std::string kernel_size() const {
    return fmt::format(" kernel_size={},{}", kernel[0], kernel[1]);
  }
};

/// Anything that a convolution takes.
inline Geometry any_convolution() {
  Geometry g;
  g.n = any(1, 4), g.groups = any(1, 3);
  g.in = g.groups * any(1, 3), g.out = g.groups * any(1, 4);
  for (int axis = 0; axis < 2; ++axis) {
    g.kernel[axis] = any(1, 3), g.stride[axis] = any(1, 3);
    g.padding[axis] = any(0, 2), g.dilation[axis] = any(1, 3);
    const int64_t reach = g.dilation[axis] * (g.kernel[axis] - 1) + 1;
    g.size[axis] = std::max<int64_t>(1, reach - 2 * g.padding[axis]) + any(0, 6);
  }
  return g;
}

/// Anything that a pool takes.
inline Geometry any_pool() {
  Geometry g;
  g.n = any(1, 4), g.in = g.out = any(1, 3);
  for (int axis = 0; axis < 2; ++axis) {
    g.kernel[axis] = any(1, 4), g.stride[axis] = any(1, 5);
    g.padding[axis] = any(0, g.kernel[axis] / 2);
    g.size[axis] = std::max<int64_t>(1, g.kernel[axis] - 2 * g.padding[axis]) + any(0, 6);
  }
  return g;
}

}  // namespace cairn
