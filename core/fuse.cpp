#include "core/fuse.h"

#include <algorithm>

#include "core/op_table.h"

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

/// The rule by which `node` may vanish into the one that makes its input `reads`, or nullptr.
const FusionRule* rule_for(const Node& producer, const Node& node, int reads) {
  for (const FusionRule& rule : producer.op->fusions) {
    if (rule.absorbed != node.op->name || rule.reads != reads ||
        !producer.attrs.is_default(rule.attr))
      continue;
    if (rule.operand < 0) return &rule;
    const bool free = !producer.inputs[static_cast<size_t>(rule.operand)];
    if (free && node.attrs == Attrs(node.op->attrs.items)) return &rule;
  }
  return nullptr;
}

/// Where `name` stands in a list of inputs, outputs or attributes; its size where it doesn't.
template <class T>
size_t index_of(const Rows<T>& rows, std::string_view name) {
  return static_cast<size_t>(std::ranges::find(rows, name, &T::name) - rows.begin());
}

/// Whether all attributes of `node` are also the other's, with the same values.
bool has_attributes_of(const Node& other, const Node& node) {
  for (size_t i = 0; i < node.op->attrs.size(); ++i) {
    const size_t k = index_of(other.op->attrs, node.op->attrs[i].name);
    if (k == other.op->attrs.size() || !std::ranges::equal(node.attrs.values(static_cast<int>(i)),
                                                           other.attrs.values(static_cast<int>(k))))
      return false;
  }
  return true;
}

/// The inputs of `host` once `node` has vanished into it by the rule; none where it can't. `exists`
/// tells what is made before the host.
template <class Exists>
std::vector<Value> inputs_with(const Node& host, const Node& node, const CompanionRule& rule,
                               Exists exists) {
  if (rule.absorbed != node.op->name || !has_attributes_of(host, node)) return {};
  std::vector<Value> inputs = host.inputs;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const size_t in = index_of(host.op->inputs, rule.reads[i]);
    if (in == inputs.size()) {
      if (host.outputs[index_of(host.op->outputs, rule.reads[i])] != node.inputs[i]) return {};
    } else if (!host.inputs[in] && exists(node.inputs[i])) {
      inputs[in] = node.inputs[i];
    } else if (host.inputs[in] != node.inputs[i]) {
      return {};
    }
  }
  return inputs;
}

}  // namespace

void fuse_epilogues(Graph& graph) {
  std::vector<Node>& nodes = graph.nodes();
  const std::vector<int> uses = count_uses(graph);
  std::vector<int> made_by = producers(graph);
  std::vector<bool> dead(nodes.size());
  for (size_t i = 0; i < 2 * nodes.size(); ++i) {
    const size_t n = i / 2, reads = i % 2;
    Node& node = nodes[n];
    if (dead[n] || node.inputs.size() <= reads || !node.inputs[reads]) continue;
    const auto x = static_cast<size_t>(node.inputs[reads].id);
    if (made_by[x] < 0 || uses[x] != 1) continue;
    const auto maker = static_cast<size_t>(made_by[x]);
    if (nodes[maker].outputs[0] != node.inputs[reads]) continue;
    const FusionRule* rule = rule_for(nodes[maker], node, static_cast<int>(reads));
    if (!rule) continue;
    Node fused = std::move(nodes[maker]);
    fused.attrs.set(rule->attr, rule->value);
    fused.outputs[0] = node.outputs[0];
    // Beside another operand it takes the later place: only there that one exists.
    const size_t place = rule->operand < 0 ? maker : n;
    if (rule->operand >= 0)
      fused.inputs[static_cast<size_t>(rule->operand)] = node.inputs[1 - reads];
    for (const Value v : fused.outputs)
      made_by[static_cast<size_t>(v.id)] = static_cast<int>(place);
    dead[maker] = dead[n] = true;
    dead[place] = false;
    nodes[place] = std::move(fused);
  }
  remove_nodes(graph, dead);
}

void merge_pairs(Graph& graph) {
  std::vector<Node>& nodes = graph.nodes();
  std::vector<int> made_by = producers(graph);
  std::vector<bool> dead(nodes.size());
  const auto maker_of = [&](Value v) {
    return v ? made_by[static_cast<size_t>(graph.base_of(v).id)] : -1;
  };
  for (size_t n = 0; n < nodes.size(); ++n) {
    const Node& node = nodes[n];
    if (node.op->merges.empty() || graph.base_of(node.inputs[0]) != node.inputs[0]) continue;
    const int at = maker_of(node.inputs[0]);
    const auto later = [&](Value v) { return maker_of(v) > at; };
    if (at < 0 || std::ranges::any_of(node.inputs, later)) continue;
    Node& first = nodes[static_cast<size_t>(at)];
    for (const MergeRule& rule : node.op->merges) {
      if (rule.first != first.op->name) continue;
      const OpDef& into = find_op(rule.into);
      Node merged{&into, node.name, first.inputs, node.outputs, Attrs(into.attrs.items)};
      merged.inputs.insert(merged.inputs.end(), node.inputs.begin() + 1, node.inputs.end());
      merged.outputs.insert(merged.outputs.end(), first.outputs.begin(), first.outputs.end());
      for (const Value v : merged.outputs) made_by[static_cast<size_t>(v.id)] = at;
      first = std::move(merged);
      dead[n] = true;
      break;
    }
  }
  remove_nodes(graph, dead);
}

void absorb_companions(Graph& graph) {
  std::vector<Node>& nodes = graph.nodes();
  const std::vector<int> made_by = producers(graph);
  std::vector<bool> dead(nodes.size());
  for (size_t n = 0; n < nodes.size(); ++n)
    for (size_t h = 0; h < n && !dead[n]; ++h) {
      if (dead[h]) continue;
      Node& host = nodes[h];
      const auto exists = [&](Value v) {
        return v && made_by[static_cast<size_t>(graph.base_of(v).id)] < static_cast<int>(h);
      };
      for (const CompanionRule& rule : host.op->companions) {
        Value& output = host.outputs[index_of(host.op->outputs, rule.output)];
        if (graph[output].type.shape.elements() > 0) continue;
        std::vector<Value> inputs = inputs_with(host, nodes[n], rule, exists);
        if (inputs.empty()) continue;
        host.inputs = std::move(inputs);
        output = nodes[n].outputs[0];
        if (!rule.flag.empty()) host.attrs.set(rule.flag, 1);
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
