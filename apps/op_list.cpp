// cairn op --list
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "apps/op_request.h"
#include "apps/terminal.h"
#include "core/op_runner.h"
#include "core/op_table.h"

namespace cairn {
namespace {

/// The type of a tensor in a file: float stands for the request's dtype.
std::string_view file_dtype(DType dtype) {
  return is_floating(dtype) ? "float" : dtype == DType::i32 ? "int64" : name_of(dtype);
}

/// JSON has no infinities: they are strings, which requests may use, too.
Json number(double value) {
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  if (value == std::floor(value) && std::abs(value) < 9e15) return static_cast<int64_t>(value);
  return value;
}

Json initial_of(const AttrDef& attr) {
  if (attr.type == AttrType::choice) return attr.choices[static_cast<size_t>(attr.initial)];
  if (attr.type == AttrType::flag) return attr.initial != 0;
  if (attr.list) return Json::Array{};
  if (attr.count == 1) return number(attr.initial);
  return Json::Array(static_cast<size_t>(attr.count), number(attr.initial));
}

std::string_view type_name(AttrType type) {
  switch (type) {
    case AttrType::integer:
      return "integer";
    case AttrType::real:
      return "real";
    case AttrType::flag:
      return "flag";
    case AttrType::choice:
      break;
  }
  return "choice";
}

Json to_json(const AttrDef& attr) {
  Json json = Json::Object{{"name", attr.name},
                           {"type", type_name(attr.type)},
                           {"default", initial_of(attr)},
                           {"count", attr.count},
                           {"list", attr.list}};
  Json::Array choices;
  for (const std::string_view choice : attr.choices) choices.emplace_back(choice);
  if (attr.type == AttrType::choice) json.set("choices", std::move(choices));
  if (attr.type == AttrType::integer || attr.type == AttrType::real) {
    json.set("min", number(attr.min));
    json.set("max", number(attr.max));
  }
  return json;
}

std::vector<std::string_view> devices_of(const OpDef& op) {
  if (op.cuda != nullptr) return {"reference", "cpu", "cuda"};
  return {"reference", "cpu"};
}

Json to_json(const OpDef& op) {
  Json::Array inputs, outputs, attrs, devices;
  for (const InputDef& input : op.inputs)
    inputs.push_back(Json::Object{{"name", input.name},
                                  {"dtype", file_dtype(input.dtype)},
                                  {"optional", input.use == Use::optional},
                                  {"changed", input.use == Use::mutated},
                                  {"constant", input.use == Use::constant},
                                  {"batch_first", input.layout == Layout::batched}});
  for (const OutputDef& output : op.outputs)
    outputs.push_back(Json::Object{{"name", output.name}, {"dtype", file_dtype(output.dtype)}});
  for (const AttrDef& attr : op.attrs) attrs.push_back(to_json(attr));
  for (const std::string_view device : devices_of(op)) devices.emplace_back(device);
  return Json::Object{{"name", op.name},
                      {"inputs", std::move(inputs)},
                      {"outputs", std::move(outputs)},
                      {"attributes", std::move(attrs)},
                      {"gradient", differentiable(op)},
                      {"devices", std::move(devices)}};
}

std::string attrs_of(const OpDef& op) {
  std::vector<std::string> texts;
  for (const AttrDef& attr : op.attrs) {
    Json initial = initial_of(attr);
    texts.push_back(fmt::format("{}={}", attr.name,
                                initial.is_string() ? initial.as_string() : initial.dump(-1)));
  }
  return fmt::format("{}", fmt::join(texts, " "));
}

template <class Items>
std::string names_of(const Items& items) {
  std::vector<std::string> names;
  for (const auto& item : items)
    names.push_back(is_floating(item.dtype)
                        ? std::string(item.name)
                        : fmt::format("{}:{}", item.name, file_dtype(item.dtype)));
  return fmt::format("{}", fmt::join(names, " "));
}

}  // namespace

void print_op_table() {
  Table table({{"op"}, {"inputs"}, {"outputs"}, {"--grad"}, {"devices"}, {"attributes"}});
  for (const OpDef* op : all_ops())
    table.add_row({std::string(op->name), names_of(op->inputs), names_of(op->outputs),
                   differentiable(*op) ? "yes" : "no",
                   fmt::format("{}", fmt::join(devices_of(*op), " ")), attrs_of(*op)});
  table.print(stdout);
}

Json op_table_to_json() {
  Json::Array ops;
  for (const OpDef* op : all_ops()) ops.push_back(to_json(*op));
  return Json::Object{{"ops", std::move(ops)}};
}

}  // namespace cairn
