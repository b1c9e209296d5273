#include "core/fuse.h"

#include <algorithm>

namespace cairn {
namespace {

/// How many nodes read each value; reading a view counts as reading its base too.
std::vector<int> count_uses(const Graph& graph) {
  std::vector<int> uses(graph.values().size());
  for (const Node& node : graph.nodes())
    for (const Value v : node.inputs) {
      if (!v) continue;
      ++uses[static_cast<size_t>(v.id)];
      const Value base = graph.base_of(v);
      if (base != v) ++uses[static_cast<size_t>(base.id)];
    }
  return uses;
}

void remove_nodes(Graph& graph, const std::vector<bool>& dead) {
  std::vector<Node> kept;
  for (size_t i = 0; i < graph.nodes().size(); ++i)
    if (!dead[i]) kept.push_back(std::move(graph.nodes()[i]));
  graph.nodes() = std::move(kept);
}

/// Which node makes each value, by position in the present node list.
std::vector<int> producers(const Graph& graph) {
  std::vector<int> made_by(graph.values().size(), -1);
  for (size_t n = 0; n < graph.nodes().size(); ++n)
    for (const Value v : graph.nodes()[n].outputs)
      made_by[static_cast<size_t>(v.id)] = static_cast<int>(n);
  return made_by;
}

}  // namespace

void fuse_epilogues(Graph& graph) {
  const std::vector<int> uses = count_uses(graph);
  std::vector<int> made_by = producers(graph);
  std::vector<bool> dead(graph.nodes().size());
  for (size_t n = 0; n < graph.nodes().size(); ++n) {
    Node& node = graph.nodes()[n];
    if (node.op->fusions.size() == 0) continue;
    const Value x = node.inputs[0];
    const int maker = made_by[static_cast<size_t>(x.id)];
    if (maker < 0 || uses[static_cast<size_t>(x.id)] != 1) continue;
    Node& producer = graph.nodes()[static_cast<size_t>(maker)];
    for (const FusionRule& rule : node.op->fusions) {
      if (rule.into != producer.op->name) continue;
      if (!producer.attrs.is_default(rule.attr)) continue;
      producer.attrs.set(rule.attr, rule.value);
      producer.outputs = node.outputs;
      made_by[static_cast<size_t>(node.outputs[0].id)] = maker;
      dead[n] = true;
      break;
    }
  }
  remove_nodes(graph, dead);
}

std::vector<Value> bind_accumulators(Graph& graph) {
  const std::vector<int> uses = count_uses(graph);
  const std::vector<int> made_by = producers(graph);
  std::vector<Value> bound(graph.values().size());
  std::vector<bool> dead(graph.nodes().size());
  for (size_t n = 0; n < graph.nodes().size(); ++n) {
    const Node& node = graph.nodes()[n];
    if (node.op->name != "accumulate") continue;
    const Value x = graph.base_of(node.inputs[1]);
    const int maker = made_by[static_cast<size_t>(x.id)];
    if (maker < 0 || uses[static_cast<size_t>(x.id)] != (x == node.inputs[1] ? 1 : 2)) continue;
    const Node& producer = graph.nodes()[static_cast<size_t>(maker)];
    for (size_t i = 0; i < producer.outputs.size(); ++i)
      if (producer.outputs[i] == x && producer.op->outputs[i].sum) {
        bound[static_cast<size_t>(x.id)] = node.inputs[0];
        dead[n] = true;
      }
  }
  remove_nodes(graph, dead);
  return bound;
}

}  // namespace cairn
