#include "core/rematerialize.h"

#include <algorithm>
#include <map>

namespace cairn {
namespace {

class Rematerializer {
 public:
  Rematerializer(Graph& graph, const std::vector<Stage>& stages)
      : graph_(graph), stages_(stages), readers_(graph.values().size()) {
    for (size_t s = 0; s < stages.size(); ++s)
      stage_of_.resize(static_cast<size_t>(stages[s].last), s);
    for (size_t n = 0; n < graph.nodes().size(); ++n)
      for (const Value v : graph.nodes()[n].inputs)
        if (v) readers_[index(v)].push_back(n);
  }

  bool run() {
    for (size_t n = 0; n < graph_.nodes().size(); ++n)
      if (graph_.nodes()[n].op->cheap && may_repeat(n)) repeat(n);
    if (repeated_.empty()) return false;
    insert();
    return true;
  }

 private:
  /// Those of a view are its base's.
  size_t index(Value v) const { return static_cast<size_t>(graph_.base_of(v).id); }

  bool reads(size_t stage, Value v) const {
    return std::ranges::any_of(readers_[index(v)], [&](size_t n) { return stage_of_[n] == stage; });
  }

  bool is_mutated(Value v) const {
    return std::ranges::any_of(readers_[index(v)], [&](size_t n) {
      const Node& node = graph_.nodes()[n];
      for (size_t i = 0; i < node.inputs.size(); ++i)
        if (node.inputs[i] && index(node.inputs[i]) == index(v) &&
            node.op->inputs[i].use == Use::mutated)
          return true;
      return false;
    });
  }

  bool may_repeat(size_t n) const {
    const Node& node = graph_.nodes()[n];
    bool later = false;
    for (const Value v : node.inputs)
      if (v && is_mutated(v)) return false;
    for (const size_t reader : readers_[index(node.outputs[0])]) {
      const size_t stage = stage_of_[reader];
      if (stage == stage_of_[n]) continue;
      later = true;
      if (!stages_[stage].sliced || !reads_itself(reader, node.outputs[0])) return false;
      for (const Value v : node.inputs)
        if (v && graph_[v].type.batched && !reads(stage, v)) return false;
    }
    return later;
  }

  /// Not through a view.
  bool reads_itself(size_t reader, Value v) const {
    return std::ranges::count(graph_.nodes()[reader].inputs, v) > 0;
  }

  /// A copy before the first reader of each later stage, for all readers of that stage.
  void repeat(size_t n) {
    const Value v = graph_.nodes()[n].outputs[0];
    const std::vector<size_t> readers = readers_[index(v)];
    std::map<size_t, Value> again;  // by stage
    for (const size_t reader : readers) {
      const size_t stage = stage_of_[reader];
      if (stage == stage_of_[n]) continue;
      if (!again.contains(stage)) {
        const Node node = graph_.nodes()[n];
        again[stage] = graph_.add(*node.op, node.inputs, node.attrs, node.name)[0];
        graph_.rename(again[stage], graph_[v].name + ".again");
        repeated_[reader].push_back(std::move(graph_.nodes().back()));
        graph_.nodes().pop_back();
      }
      std::ranges::replace(graph_.nodes()[reader].inputs, v, again[stage]);
    }
  }

  void insert() {
    std::vector<Node> nodes;
    for (size_t n = 0; n < graph_.nodes().size(); ++n) {
      for (Node& node : repeated_[n]) nodes.push_back(std::move(node));
      nodes.push_back(std::move(graph_.nodes()[n]));
    }
    graph_.nodes() = std::move(nodes);
  }

  Graph& graph_;
  const std::vector<Stage>& stages_;
  std::vector<size_t> stage_of_;                  // each node's
  std::vector<std::vector<size_t>> readers_;      // nodes, of each value and its views, in order
  std::map<size_t, std::vector<Node>> repeated_;  // before which node
};

}  // namespace

bool rematerialize(Graph& graph, const std::vector<Stage>& stages) {
  return Rematerializer(graph, stages).run();
}

}  // namespace cairn
