#include "core/lower.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/op_table.h"

namespace cairn {

std::vector<Value> Lowering::emit(std::string_view op_name, std::vector<Value> inputs,
                                  std::string_view text) {
  const OpDef& op = find_op(op_name);
  Attrs attrs = Attrs::parse(op.attrs.items, text, op.name);
  for (const AttrDef& own : op.attrs)
    for (size_t i = 0; i < node_.op->attrs.size(); ++i)
      if (node_.op->attrs[i].name == own.name)
        attrs.set(own.name, node_.attrs.values(static_cast<int>(i)));
  return graph_.add(op, std::move(inputs), attrs, fmt::format("{}.{}", node_.name, op.name));
}

void lower(Graph& graph) {
  std::vector<Node> nodes = std::exchange(graph.nodes(), {});
  std::vector<Node> lowered;
  for (Node& node : nodes) {
    if (!node.op->lower) {
      lowered.push_back(std::move(node));
      continue;
    }
    Lowering rule(graph, node);
    node.op->lower(rule);
    for (Node& made : graph.nodes()) {
      for (std::vector<Value>* values : {&made.inputs, &made.outputs})
        for (Value& v : *values)
          for (const auto& [emitted, own] : rule.renamed_)
            if (v == emitted) v = own;
      lowered.push_back(std::move(made));
    }
    graph.nodes().clear();
  }
  graph.nodes() = std::move(lowered);
}

void defer_accumulation(Graph& graph) {
  std::vector<Node>& nodes = graph.nodes();
  std::vector<int> touched(graph.values().size()), mutated = touched;  // by how many nodes
  std::ptrdiff_t begin = 0;  // of the nodes that see the same step
  for (size_t n = 0; n < nodes.size(); ++n) {
    for (size_t i = 0; i < nodes[n].inputs.size(); ++i) {
      if (!nodes[n].inputs[i]) continue;
      const Value v = graph.base_of(nodes[n].inputs[i]);
      ++touched[static_cast<size_t>(v.id)];
      if (nodes[n].op->inputs[i].use == Use::mutated) ++mutated[static_cast<size_t>(v.id)];
    }
    if (nodes[n].op->advances_step) begin = static_cast<std::ptrdiff_t>(n) + 1;
  }
  const auto stays = [&](const Node& node) {
    if (node.inputs.empty() || !node.outputs.empty()) return true;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!node.inputs[i]) continue;
      const auto v = static_cast<size_t>(graph.base_of(node.inputs[i]).id);
      if (graph[node.inputs[i]].type.batched) return true;
      if (node.op->inputs[i].use == Use::mutated ? touched[v] > 1 : mutated[v] > 0) return true;
    }
    return false;
  };
  std::stable_partition(nodes.begin() + begin, nodes.end(), stays);
}

}  // namespace cairn
