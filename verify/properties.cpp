// Which checks a row can show something of.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "verify/checks.h"
#include "verify/record.h"

namespace cairn {
namespace {

bool has_batch(const OpCase& c) {
  const auto batched = [&](const auto& port) {
    return port.layout == Layout::batched || (port.layout == Layout::any && !c.plain);
  };
  return std::ranges::any_of(c.op->inputs, batched) || std::ranges::any_of(c.op->outputs, batched);
}

bool has_results(const OpDef& op) {
  return op.outputs.size() > 0 ||
         std::ranges::any_of(op.inputs, [](const InputDef& d) { return d.use == Use::mutated; });
}

/// Whether no given value is NaN or infinite; other rows show nothing of gradients and finite
/// lanes.
bool has_finite_inputs(const OpCase& c) {
  return std::ranges::all_of(c.row->inputs, [](const CaseInput& input) {
    return std::ranges::all_of(input.values, [](double v) { return std::isfinite(v); });
  });
}

bool has_floating(const auto& ports) {
  return std::ranges::any_of(ports, [](const auto& port) { return is_floating(port.dtype); });
}

/// Whether a row is good and gives a floating input, which may be an optional one.
bool gives_floating(const OpCase& c) {
  if (c.refused()) return false;
  return std::ranges::any_of(make_call(c).inputs, [](const std::optional<HostTensor>& input) {
    return input && is_floating(input->type.dtype);
  });
}

/// Once an op: its first row that could have a gradient.
bool shows_no_derivative(const OpCase& c) {
  if (c.plain || differentiable(*c.op) || !has_floating(c.op->inputs) ||
      !has_floating(c.op->outputs))
    return false;
  const auto& rows = c.op->cases.items;
  const auto first = std::ranges::find_if(rows, [&](const Case& row) {
    return gives_floating({c.op, &row, false});
  });
  return first != rows.end() && c.row == &*first;
}

}  // namespace

std::vector<Check> checks_of(const OpCase& c) {
  if (c.refused()) return {{"Refused", check_refused}};
  std::vector<Check> checks;
  const auto given = [](std::span<const double> v) { return !v.empty(); };
  if (std::ranges::any_of(c.row->expect, given)) checks.push_back({"Golden", check_golden});
  if (c.op->advances_step) checks.push_back({"Step", check_step});
  if (has_results(*c.op)) checks.push_back({"Device", check_device});
  const auto added = [](const OutputDef& d) { return d.sum && d.dtype == DType::f32; };
  if (std::ranges::any_of(c.op->outputs, added)) checks.push_back({"Sums", check_sums});
  if (shows_no_derivative(c)) checks.push_back({"NoDerivative", check_no_derivative});
  if (!has_finite_inputs(c)) return checks;
  const auto made = [](const OutputDef& d) { return !d.sum && is_floating(d.dtype); };
  if (std::ranges::any_of(c.op->outputs, made)) checks.push_back({"Written", check_written});
  if (has_batch(c) && c.row->n > 1 && c.row->step.n_valid == 0)
    checks.push_back({"NValid", check_n_valid});
  if (differentiable(*c.op) && has_floating(c.op->inputs)) {
    checks.push_back({"Gradient", check_gradient});
    checks.push_back({"DeviceGradient", check_device_gradient});
  }
  return checks;
}

Findings run_check(const Check& check, const OpCase& c, const Target& target) {
  try {
    return check.run(c, target);
  } catch (const std::exception& e) {
    Record record(c.label());
    record.require(false, "contract", check.name, e.what());
    return std::move(record).findings();
  }
}

Findings check_op(const OpDef& op, const Target& target) {
  Findings all;
  for (const OpCase& c : cases_of(op))
    for (const Check& check : checks_of(c))
      for (Finding& finding : run_check(check, c, target)) all.push_back(std::move(finding));
  return all;
}

}  // namespace cairn
