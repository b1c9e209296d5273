#include "core/mixed.h"

#include <utility>

#include "core/op_table.h"

namespace cairn {
namespace {

constexpr std::string_view kRound = "round_bf16";

}  // namespace

void round_factors(Graph& graph) {
  const OpDef& round = find_op(kRound);
  std::vector<Node> nodes = std::exchange(graph.nodes(), {});
  std::vector<Value> rounded(graph.values().size());
  std::vector<Node> all;
  for (Node& node : nodes) {
    for (int i = 0; i < node.op->factors; ++i) {
      const Value x = node.inputs[static_cast<size_t>(i)];
      Value& y = rounded[static_cast<size_t>(x.id)];
      if (!y) {
        y = graph.add(round, {x}, {}, graph[x].name + ".bf16")[0];
        all.push_back(std::move(graph.nodes().back()));
        graph.nodes().clear();
      }
      node.inputs[static_cast<size_t>(i)] = y;
    }
    all.push_back(std::move(node));
  }
  graph.nodes() = std::move(all);
}

bool factors_are_rounded(const Graph& graph) {
  std::vector<bool> rounded(graph.values().size());
  bool products = false;
  for (const Node& node : graph.nodes()) {
    for (int i = 0; i < node.op->factors; ++i) {
      products = true;
      if (!rounded[static_cast<size_t>(node.inputs[static_cast<size_t>(i)].id)]) return false;
    }
    if (node.op->name == kRound) rounded[static_cast<size_t>(node.outputs[0].id)] = true;
  }
  return products;
}

}  // namespace cairn
