#include "core/autodiff.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/op_table.h"

namespace cairn {

/// One backward walk. A parameter's gradient goes into its state the moment a use contributes; any
/// other value's contributions are added by `add` nodes.
class Backward {
 public:
  Backward(Graph& graph, std::span<const Value> wrt, bool accumulate)
      : graph_(graph), accumulate_(accumulate), size_(graph.values().size()) {
    needed_.resize(size_);
    for (const Value v : wrt) needed_[index(v)] = true;
    for (const Node& node : graph.nodes())
      for (const Value in : node.inputs)
        if (in && needed(in))
          for (const Value out : node.outputs) needed_[index(out)] = true;
    gradient_.resize(size_);
  }

  void seed(Value output, Value gradient) { contribute(output, gradient); }

  void walk() {
    for (int n = static_cast<int>(graph_.nodes().size()) - 1; n >= 0; --n) {
      const Node node = graph_.nodes()[static_cast<size_t>(n)];
      bool reached = false, asked = false;
      for (const Value out : node.outputs) reached |= static_cast<bool>(gradient_[index(out)]);
      for (const Value in : node.inputs) asked |= in && needed(in);
      if (!reached || !asked) continue;
      refuse_constants(node);
      GradientRule rule(graph_, *this, n);
      node.op->gradient(rule);
    }
  }

  bool needed(Value v) const { return index(v) < size_ && needed_[index(v)]; }

  /// dL/dv in v's own shape.
  Value gradient(Value v) {
    const Value g = gradient_[index(v)];
    return g ? graph_.reshape(g, graph_[v].type.shape) : g;
  }

  void contribute(Value v, Value gradient) {
    const Value base = graph_.base_of(v);
    const Value g = graph_.reshape(gradient, graph_[base].type.shape);
    if (accumulate_ && graph_[base].kind == ValueKind::parameter) {
      graph_.add("accumulate", {graph_.gradient_of(base), g}, {},
                 graph_[base].name + ".accumulate");
      return;
    }
    Value& sum = gradient_[index(base)];
    sum = sum ? graph_.add("add", {sum, g}) : g;
  }

 private:
  void refuse_constants(const Node& node) const {
    for (size_t i = 0; i < node.inputs.size(); ++i)
      if (node.op->inputs[i].use == Use::constant && node.inputs[i] && needed(node.inputs[i]))
        fail(fmt::format("{} has no derivative for {}", node.op->name, node.op->inputs[i].name),
             "leave it out of what is trained");
  }

  size_t index(Value v) const { return static_cast<size_t>(graph_.base_of(v).id); }

  Graph& graph_;
  bool accumulate_;
  size_t size_;  // values before the pass; the pass asks for gradients of none of its own
  std::vector<bool> needed_;
  std::vector<Value> gradient_;
};

namespace {

Value at(const std::vector<Value>& values, int i) { return values[static_cast<size_t>(i)]; }

}  // namespace

Value GradientRule::in(int i) const {
  return at(graph_.nodes()[static_cast<size_t>(node_)].inputs, i);
}
Value GradientRule::out(int i) const {
  return at(graph_.nodes()[static_cast<size_t>(node_)].outputs, i);
}
Value GradientRule::dout(int i) const { return pass_.gradient(out(i)); }
bool GradientRule::wants(int i) const { return in(i) && pass_.needed(in(i)); }
const Attrs& GradientRule::attrs() const {
  return graph_.nodes()[static_cast<size_t>(node_)].attrs;
}
std::string_view GradientRule::op_name() const {
  return graph_.nodes()[static_cast<size_t>(node_)].op->name;
}

Value GradientRule::emit(std::string_view op, std::vector<Value> inputs,
                         std::optional<Attrs> attrs) {
  return emit_all(op, std::move(inputs), std::move(attrs)).at(0);
}

std::vector<Value> GradientRule::emit_all(std::string_view op_name, std::vector<Value> inputs,
                                          std::optional<Attrs> attrs) {
  const OpDef& op = find_op(op_name);
  const std::string name =
      fmt::format("{}.{}", graph_.nodes()[static_cast<size_t>(node_)].name, op.name);
  return graph_.add(op, std::move(inputs), attrs ? *attrs : Attrs(op.attrs.items), name);
}

void GradientRule::set(int i, Value gradient) {
  if (wants(i)) pass_.contribute(in(i), gradient);
}

void not_differentiable(GradientRule& rule) {
  fail(fmt::format("{} has no derivative, but a gradient through it was asked for", rule.op_name()),
       "leave it out of the loss, or give the op a gradient rule");
}

std::vector<Value> gradients(Graph& graph, std::span<const Value> outputs,
                             std::span<const Value> seeds, std::span<const Value> wrt) {
  Backward pass(graph, wrt, false);
  for (size_t i = 0; i < outputs.size(); ++i)
    if (seeds[i] && pass.needed(outputs[i])) pass.seed(outputs[i], seeds[i]);
  pass.walk();
  std::vector<Value> found;
  for (const Value v : wrt) found.push_back(pass.gradient(v));
  return found;
}

void backward(Graph& graph, Value loss, Value seed) {
  const std::vector<Value> parameters = graph.parameters();
  Backward pass(graph, parameters, true);
  pass.seed(loss, seed);
  pass.walk();
}

}  // namespace cairn
