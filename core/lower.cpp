#include "core/lower.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/op_table.h"
#include "core/planner.h"

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

void defer_accumulation(Graph& graph, int64_t width) {
  std::vector<Node>& nodes = graph.nodes();
  const SharedWeights shared(graph, width);
  const auto index = [&](Value v) { return static_cast<size_t>(graph.base_of(v).id); };
  std::vector<int> touched(graph.values().size()), mutated = touched;  // by how many nodes
  size_t begin = 0;  // of the nodes that see the same step
  for (size_t n = 0; n < nodes.size(); ++n) {
    for (size_t i = 0; i < nodes[n].inputs.size(); ++i) {
      if (!nodes[n].inputs[i]) continue;
      ++touched[index(nodes[n].inputs[i])];
      if (nodes[n].op->inputs[i].use == Use::mutated) ++mutated[index(nodes[n].inputs[i])];
    }
    if (nodes[n].op->advances_step) begin = n + 1;
  }
  const auto only_adds = [&](const Node& node) {
    if (node.inputs.empty() || !node.outputs.empty()) return false;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!node.inputs[i]) continue;
      const size_t v = index(node.inputs[i]);
      if (graph[node.inputs[i]].type.batched) return false;
      if (node.op->inputs[i].use == Use::mutated ? touched[v] > 1 : mutated[v] > 0) return false;
    }
    return true;
  };
  std::vector<bool> read_early(graph.values().size());  // by nodes that stay
  const auto is_free_sum = [&](const Node& node) {
    const auto changes = [&](Value v) { return v && mutated[index(v)] > 0; };
    const auto is_read = [&](Value v) { return read_early[index(v)]; };
    return shared.is_late_sum(node) && std::ranges::none_of(node.inputs, changes) &&
           std::ranges::none_of(node.outputs, is_read);
  };
  std::vector<Node> early, late;  // the last first
  for (size_t n = nodes.size(); n > begin; --n) {
    Node& node = nodes[n - 1];
    const bool moves = only_adds(node) || is_free_sum(node);
    if (!moves)
      for (const Value v : node.inputs)
        if (v) read_early[index(v)] = true;
    (moves ? late : early).push_back(std::move(node));
  }
  std::ranges::move(early.rbegin(), early.rend(), nodes.begin() + static_cast<ptrdiff_t>(begin));
  std::ranges::move(late.rbegin(), late.rend(), nodes.end() - std::ssize(late));
}

}  // namespace cairn
