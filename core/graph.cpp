#include "core/graph.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"
#include "core/op_table.h"

namespace cairn {
namespace {

bool fits(const InputDef& def, const TensorType& type) {
  if (def.dtype != type.dtype) return false;
  return def.layout == Layout::any || (def.layout == Layout::batched) == type.batched;
}

void check_inputs(const Graph& graph, const OpDef& op, const std::vector<Value>& inputs) {
  if (inputs.size() > op.inputs.size())
    fail(fmt::format("{} takes at most {} inputs, got {}", op.name, op.inputs.size(),
                     inputs.size()));
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    const InputDef& def = op.inputs[i];
    if (i >= inputs.size() || !inputs[i]) {
      expect(def.use == Use::optional, op.name, fmt::format("input {} is missing", def.name));
      continue;
    }
    const TensorType& type = graph[inputs[i]].type;
    if (!fits(def, type))
      fail(fmt::format("{}: input {} is {}, but a {} {} tensor is needed", op.name, def.name,
                       to_string(type), def.layout == Layout::plain ? "plain" : "batched",
                       name_of(def.dtype)));
  }
}

}  // namespace

Value Graph::new_value(ValueInfo info) {
  if (info.kind != ValueKind::activation)
    for (const ValueInfo& v : values_)
      if (v.kind != ValueKind::activation && v.name == info.name)
        fail(fmt::format("the graph has a value named '{}' already", info.name));
  values_.push_back(std::move(info));
  return {static_cast<int>(values_.size()) - 1};
}

Value Graph::input(std::string name, const TensorType& type) {
  return new_value({std::move(name), type, ValueKind::input, -1, {}, {}});
}

Value Graph::parameter(std::string name, const Shape& shape, Init init) {
  return new_value(
      {std::move(name), {DType::f32, shape, false}, ValueKind::parameter, -1, {}, init});
}

Value Graph::buffer(std::string name, const Shape& shape, Init init) {
  return new_value({std::move(name), {DType::f32, shape, false}, ValueKind::buffer, -1, {}, init});
}

Value Graph::state(std::string name, const TensorType& type) {
  return new_value({std::move(name), type, ValueKind::state, -1, {}, {}});
}

Value Graph::gradient_of(Value parameter) {
  const std::string name = (*this)[parameter].name + ".grad";
  for (size_t i = 0; i < values_.size(); ++i)
    if (values_[i].kind == ValueKind::gradient && values_[i].name == name)
      return {static_cast<int>(i)};
  return new_value({name, (*this)[parameter].type, ValueKind::gradient, -1, {}, {}});
}

std::vector<Value> Graph::add(const OpDef& op, std::vector<Value> inputs, const Attrs& attrs,
                              std::string name) {
  check_inputs(*this, op, inputs);
  inputs.resize(op.inputs.size());
  const auto index = static_cast<int>(nodes_.size());
  if (name.empty()) name = fmt::format("{}_{}", op.name, index);
  Node node{&op, std::move(name), std::move(inputs), {}, attrs};
  NodeTypes types(*this, node, 1);
  for (const OutputDef& def : op.outputs) {
    TensorType type{def.dtype, {}, def.layout == Layout::batched};
    if (def.layout == Layout::any) type.batched = types.in.at(0).batched;
    types.out.push_back(type);
  }
  op.infer(types.types());
  for (size_t i = 0; i < types.out.size(); ++i)
    node.outputs.push_back(new_value({fmt::format("{}.{}", node.name, op.outputs[i].name),
                                      types.out[i],
                                      ValueKind::activation,
                                      index,
                                      {},
                                      {}}));
  nodes_.push_back(node);
  return node.outputs;
}

Value Graph::add(std::string_view op_name, std::vector<Value> inputs, std::string_view attrs,
                 std::string name) {
  const OpDef& op = find_op(op_name);
  const auto outputs =
      add(op, std::move(inputs), Attrs::parse(op.attrs.items, attrs, op.name), std::move(name));
  return outputs.empty() ? Value{} : outputs[0];
}

Value Graph::reshape(Value value, const Shape& shape) {
  const ValueInfo& info = (*this)[value];
  if (info.type.shape == shape) return value;
  if (info.type.shape.elements() != shape.elements())
    fail(fmt::format("{} of shape {} can't be seen as {}", info.name, to_string(info.type.shape),
                     to_string(shape)),
         "a view keeps the number of elements");
  TensorType type = info.type;
  type.shape = shape;
  ValueInfo view{info.name + ".view", type,           ValueKind::activation,
                 info.producer,       base_of(value), {}};
  return new_value(std::move(view));
}

Value Graph::base_of(Value value) const {
  const Value base = (*this)[value].base;
  return base ? base : value;
}

std::vector<Value> Graph::parameters() const {
  std::vector<Value> found;
  for (size_t i = 0; i < values_.size(); ++i)
    if (values_[i].kind == ValueKind::parameter) found.push_back({static_cast<int>(i)});
  return found;
}

Value Graph::find(std::string_view name) const {
  std::vector<std::string> names;
  for (size_t i = 0; i < values_.size(); ++i) {
    if (values_[i].name == name) return {static_cast<int>(i)};
    names.push_back(values_[i].name);
  }
  const std::string near = nearest_name(std::string(name), names);
  fail(fmt::format("the graph has no value '{}'", name),
       near.empty() ? "to_text(graph) lists them" : fmt::format("did you mean '{}'?", near));
}

void Graph::set_rates(Value parameter, Rates rates) {
  values_[static_cast<size_t>(parameter.id)].rates = rates;
}

void Graph::rename(Value v, std::string name) {
  values_[static_cast<size_t>(v.id)].name = std::move(name);
}

NodeTypes::NodeTypes(const Graph& graph, const Node& node, int64_t n)
    : attrs(node.attrs), n(n), op(node.op) {
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    in.push_back(node.inputs[i] ? graph[node.inputs[i]].type : TensorType{});
    if (node.inputs[i]) present |= 1u << i;
  }
  for (const Value v : node.outputs) out.push_back(graph[v].type);
}

namespace {

/// The text between quotes of DOT.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

std::string to_dot(const Graph& graph) {
  std::string text =
      "digraph cairn {\n  node [shape=box, fontname=\"sans-serif\"];\n"
      "  edge [fontname=\"sans-serif\", fontsize=10];\n";
  std::vector<std::string> makers(graph.values().size());  // of a value: the box it comes out of
  for (size_t n = 0; n < graph.nodes().size(); ++n)
    for (const Value v : graph.nodes()[n].outputs)
      makers[static_cast<size_t>(v.id)] = fmt::format("node{}", n);
  for (size_t n = 0; n < graph.nodes().size(); ++n) {
    const Node& node = graph.nodes()[n];
    const std::string label = node.name.starts_with(node.op->name)
                                  ? node.name
                                  : fmt::format("{}\\n{}", node.name, node.op->name);
    text += fmt::format("  node{} [label=\"{}\"];\n", n, label);
    for (const Value v : node.inputs) {
      if (!v) continue;
      const ValueInfo& from = graph[graph.base_of(v)];
      std::string& maker = makers[static_cast<size_t>(graph.base_of(v).id)];
      if (maker.empty()) {
        maker = quoted(from.name);
        text += fmt::format("  {} [shape=ellipse, label={}];\n", maker,
                            quoted(from.name + " " + to_string(from.type.shape)));
      }
      text += fmt::format("  {} -> node{} [label={}];\n", maker, n,
                          quoted(from.producer < 0 ? "" : to_string(graph[v].type)));
    }
  }
  return text + "}\n";
}

std::string to_text(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes()) {
    std::vector<std::string> inputs, outputs, types;
    for (const Value v : node.inputs) inputs.push_back(v ? graph[v].name : "none");
    for (const Value v : node.outputs) {
      outputs.push_back(graph[v].name);
      types.push_back(to_string(graph[v].type));
    }
    const std::string call = fmt::format("{}({})", node.op->name, fmt::join(inputs, ", "));
    text += outputs.empty() ? call + "\n"
                            : fmt::format("{} = {} : {}\n", fmt::join(outputs, ", "), call,
                                          fmt::join(types, ", "));
  }
  return text;
}

}  // namespace cairn
