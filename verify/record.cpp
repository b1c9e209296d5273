#include "verify/record.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace cairn {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool same_bits(double got, double want) {
  if (std::isnan(want)) return std::isnan(got);
  return got == want && std::signbit(got) == std::signbit(want);
}

/// NaN agrees with NaN, an infinity with itself, and -0 is wanted only where it is written so.
double error_of(double got, double want) {
  const bool exact = !std::isfinite(want) || (want == 0 && std::signbit(want));
  if (exact) return same_bits(got, want) ? 0 : kInfinity;
  return std::isnan(got) ? kInfinity : std::abs(got - want);
}

}  // namespace

double share_of_tolerance(const Finding& finding) {
  const bool measured = finding.tolerance > 0 && std::isfinite(finding.tolerance);
  return measured ? finding.error / finding.tolerance : 0;
}

std::string to_string(const Finding& f) {
  return fmt::format("{}, {}{}{}: {}", f.row, f.property, f.where.empty() ? "" : ", ", f.where,
                     f.passed ? "right" : f.fault);
}

std::string place_of(const Device& device, const OpRunOptions& o) {
  return fmt::format("{} {}, {}{}", device.description(), name_of(o.real),
                     o.width == 0 ? "whole batch" : fmt::format("width {}", o.width),
                     o.sliced ? ", sliced" : "");
}

std::string element_name(std::string_view name, const TensorType& type, int64_t k) {
  const std::span<const int64_t> dims = type.shape.dims();
  std::string text;
  for (size_t axis = dims.size(); axis-- > 0; k /= dims[axis])
    text = fmt::format("{}{}{}", k % dims[axis], text.empty() ? "" : ", ", text);
  if (type.batched) text = fmt::format("{}{}{}", k, text.empty() ? "" : ", ", text);
  return fmt::format("{}[{}]", name, text);
}

double largest(const std::vector<double>& values, double limit) {
  double max = 0;
  for (const double v : values)
    if (std::abs(v) < limit) max = std::max(max, std::abs(v));
  return max;
}

int64_t count_of(const HostTensor& t, int64_t n) {
  return t.type.shape.elements() * (t.type.batched ? n : 1);
}

Expected::Expected(Results exact, const Results& plain, int64_t n) : results(std::move(exact)) {
  for (size_t i = 0; i < results.size(); ++i) {
    const std::vector<double>& y = results[i].tensor.values;
    double error = 0;
    for (size_t k = 0; k < static_cast<size_t>(count_of(results[i].tensor, n)); ++k)
      if (std::isfinite(y[k])) error = std::max(error, std::abs(plain[i].tensor.values[k] - y[k]));
    tolerances.push_back(std::max(kFloat32 * largest(y), 2 * error));
  }
}

void Record::require(bool holds, std::string_view property, const std::string& where,
                     std::string fault) {
  Finding finding{.row = row_, .property = std::string(property), .where = where, .value = ""};
  finding.passed = holds;
  if (!holds) finding.fault = std::move(fault);
  add(std::move(finding));
}

void Record::compare(std::string_view property, const std::string& where, const Result& got,
                     const Result& want, int64_t n, Tolerance tolerance) {
  const int64_t count = count_of(want.tensor, n);
  const std::vector<double>&a = got.tensor.values, &b = want.tensor.values;
  if (std::ssize(a) < count || std::ssize(b) < count)
    return require(false, property, where,
                   fmt::format("{} has {} numbers, not {}", want.name, a.size(), count));
  Finding worst{.row = row_, .property = std::string(property), .where = where, .value = ""};
  double largest_share = -1;
  int64_t element = 0, wrong = 0;
  for (int64_t k = 0; k < count; ++k) {
    const double x = a[static_cast<size_t>(k)], y = b[static_cast<size_t>(k)];
    const double size = std::isfinite(y) ? std::abs(y) : 0;
    const double allowed = std::max(tolerance.absolute, tolerance.relative * size);
    const double error = error_of(x, y);
    const bool passed = error <= allowed;
    const double share = !passed                               ? 1 + error
                         : error > 0 && std::isfinite(allowed) ? error / allowed
                                                               : 0;
    wrong += passed ? 0 : 1;
    if (share <= largest_share) continue;
    largest_share = share, element = k;
    worst.got = x, worst.wanted = y, worst.error = error, worst.tolerance = allowed;
    worst.passed = passed;
  }
  if (count > 0) worst.value = element_name(want.name, want.tensor.type, element);
  if (!worst.passed)
    worst.fault = fmt::format(
        "{} is {:.9g}, not {:.9g} (error {:.3g}, tolerance {:.3g}); {} of {} elements are wrong",
        worst.value, worst.got, worst.wanted, worst.error, worst.tolerance, wrong, count);
  add(std::move(worst));
}

void Record::compare(std::string_view property, const std::string& where, const Results& got,
                     const Expected& want, int64_t n) {
  for (size_t i = 0; i < got.size(); ++i)
    compare(property, where, got[i], want.results[i], n, {.absolute = want.tolerances[i]});
}

void Record::compare_bits(const std::string& where, const Results& got, const Results& want,
                          int64_t n) {
  for (size_t i = 0; i < want.size(); ++i) {
    const HostTensor &a = got[i].tensor, &b = want[i].tensor;
    Finding finding{.row = row_, .property = "bits", .where = where, .value = want[i].name};
    for (int64_t k = 0; finding.passed && k < count_of(b, n); ++k) {
      const double x = a.values.at(static_cast<size_t>(k)), y = b.values.at(static_cast<size_t>(k));
      if (same_bits(x, y)) continue;
      finding.value = element_name(want[i].name, b.type, k);
      finding.passed = false, finding.got = x, finding.wanted = y, finding.error = std::abs(x - y);
      finding.fault = fmt::format("{} is {:.9g}, not {:.9g} to the bit", finding.value, x, y);
    }
    add(std::move(finding));
  }
}

void Record::compare_kept(const std::string& where, const HostTensor& left, const HostTensor& given,
                          DType real, std::string_view name) {
  const bool rounds = given.type.dtype == DType::f32 && real == DType::f32;
  for (size_t k = 0; k < given.values.size(); ++k) {
    const double v = given.values[k];
    if (same_bits(left.values.at(k), rounds ? static_cast<float>(v) : v)) continue;
    const std::string element = element_name(name, given.type, static_cast<int64_t>(k));
    return require(false, "writes", where,
                   fmt::format("input {} was written, at {}", name, element));
  }
}

Results Record::run(Device& device, const OpCall& call, const OpRunOptions& options) {
  OpRunner runner(device, call, options);
  const std::string where = place_of(device, options);
  const Results results = run_once(runner, where, call, options);
  if (device.kind() == DeviceKind::cuda)  // the second run is a replay of captured work
    compare_bits(where + ", captured and replayed", run_once(runner, where, call, options), results,
                 call.n);
  return results;
}

Results Record::run_once(OpRunner& runner, const std::string& where, const OpCall& call,
                         const OpRunOptions& options) {
  runner.run();
  const std::string stray = runner.stray_write();
  require(stray.empty(), "writes", where, fmt::format("memory behind {} was written", stray));
  Results results;
  for (size_t i = 0; i < call.op->outputs.size(); ++i)
    results.push_back({std::string(call.op->outputs[i].name), runner.output(static_cast<int>(i))});
  for (size_t i = 0; i < call.op->inputs.size(); ++i) {
    if (!call.inputs[i]) continue;
    HostTensor left = runner.input(static_cast<int>(i));
    if (call.op->inputs[i].use == Use::mutated)
      results.push_back({std::string(call.op->inputs[i].name), std::move(left)});
    else
      compare_kept(where, left, *call.inputs[i], options.real, call.op->inputs[i].name);
  }
  return results;
}

}  // namespace cairn
