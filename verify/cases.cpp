#include "verify/cases.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/random.h"

namespace cairn {
namespace {

/// Distinct values in (-1, 1), evenly spaced with a gap at zero, in random order.
double spread_value(PhiloxKey key, int64_t i, int64_t count) {
  const int64_t even = count + count % 2;
  const int64_t place = permuted_index(key, 0, i, count);
  return static_cast<double>(2 * place + 1 - even) / static_cast<double>(even);
}

double fill_value(const CaseInput& input, bool floating, PhiloxKey key, int64_t i, int64_t count) {
  const auto element = static_cast<uint64_t>(i);
  const double unit = random_unit(key, 0, element);
  if (input.fill == Fill::zeros) return 0;
  if (input.fill == Fill::labels || !floating) return std::floor(unit * input.range);
  if (input.fill == Fill::unit) return unit;
  if (input.fill == Fill::positive) return 0.5 + unit;
  return input.fill == Fill::spread ? spread_value(key, i, count) : random_normal(key, 0, element);
}

/// A row says nothing of an input where it leaves all at its default.
bool absent(const InputDef& def, const CaseInput& input) {
  return def.use == Use::optional && input.shape == Shape{} && input.fill == Fill::normal &&
         input.values.empty();
}

TensorType type_of(const OpCase& c, size_t i) {
  const InputDef& def = c.op->inputs[i];
  const Shape& shape = c.row->inputs[i].shape;
  if (def.layout != Layout::any) return {def.dtype, shape, def.layout == Layout::batched};
  if (!c.plain) return {def.dtype, shape, true};
  std::vector<int64_t> dims{c.row->n};
  dims.insert(dims.end(), shape.dims().begin(), shape.dims().end());
  return {def.dtype, Shape(dims), false};
}

}  // namespace

std::string OpCase::label() const {
  return fmt::format("{}.{}{}", op->name, row->name, plain ? ".plain" : "");
}

std::vector<OpCase> cases_of(const OpDef& op) {
  std::vector<OpCase> cases;
  for (const Case& row : op.cases) {
    cases.push_back({&op, &row, false});
    const bool any = op.inputs.size() > 0 && op.inputs[0].layout == Layout::any;
    if (any && row.error.empty()) cases.push_back({&op, &row, true});
  }
  return cases;
}

OpCall make_call(const OpCase& c) {
  OpCall call;
  call.op = c.op, call.n = c.row->n, call.step = c.row->step;
  call.attrs = Attrs::parse(c.op->attrs.items, c.row->attrs, c.op->name);
  if (call.step.n_valid == 0) call.step.n_valid = call.n;
  for (size_t i = 0; i < c.op->inputs.size(); ++i) {
    const CaseInput& input = c.row->inputs[i];
    if (absent(c.op->inputs[i], input)) {
      call.inputs.emplace_back();
      continue;
    }
    HostTensor tensor{type_of(c, i), {input.values.begin(), input.values.end()}};
    const int64_t count = tensor.type.shape.elements() * (tensor.type.batched ? call.n : 1);
    const PhiloxKey key = philox_key(i, fmt::format("{}.{}", c.op->name, c.row->name));
    if (input.values.empty())
      for (int64_t k = 0; k < count; ++k)
        tensor.values.push_back(
            static_cast<float>(fill_value(input, is_floating(tensor.type.dtype), key, k, count)));
    call.inputs.emplace_back(std::move(tensor));
  }
  return call;
}

OpCall first_examples(const OpCall& call, int64_t n) {
  OpCall first = call;
  first.n = first.step.n_valid = n;
  for (auto& input : first.inputs)
    if (input && input->type.batched)
      input->values.resize(static_cast<size_t>(n * input->type.shape.elements()));
  return first;
}

OpCall rounded(OpCall call) {
  for (auto& input : call.inputs)
    if (input && is_floating(input->type.dtype))
      for (double& v : input->values) v = static_cast<float>(v);
  return call;
}

std::vector<double> random_values(int64_t count, std::string_view name) {
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(random_normal(philox_key(0, name), 0, static_cast<uint64_t>(i)));
  return values;
}

}  // namespace cairn
