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

}  // namespace cairn
