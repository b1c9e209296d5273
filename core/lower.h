// Ops of scope `whole` as nodes that pass slice by slice: a sum over the batch, what follows from
// it, and an op that treats examples one by one. Where batches are sliced, batch norm's sums are
// then made while its input is in cache.
#pragma once

#include <utility>
#include <vector>

#include "core/graph.h"

namespace cairn {

/// What an op's lowering rule sees of its node.
class Lowering {
 public:
  Lowering(Graph& graph, const Node& node) : graph_(graph), node_(node) {}

  Value in(int i) const { return node_.inputs[static_cast<size_t>(i)]; }
  const Shape& shape(int i) const { return graph_[in(i)].type.shape; }
  const Attrs& attrs() const { return node_.attrs; }

  /// Appends a node, named after the node that it serves; returns its outputs. Attributes of the
  /// same name are the node's own; `attrs` adds others.
  std::vector<Value> emit(std::string_view op, std::vector<Value> inputs,
                          std::string_view attrs = {});
  /// States that `value`, an output of an emitted node, is output i.
  void set(int i, Value value) {
    renamed_.emplace_back(value, node_.outputs[static_cast<size_t>(i)]);
  }

 private:
  friend void lower(Graph& graph);

  Graph& graph_;
  const Node& node_;
  std::vector<std::pair<Value, Value>> renamed_;  // emitted -> the node's own
};

/// Puts what the ops' lowering rules emit in the place of their nodes. Values keep their handles.
void lower(Graph& graph);

/// Moves to the end, in their order, late sums of slices of `width` examples (SharedWeights), and
/// nodes that only add to a state of their own, from values without a batch: between nodes that
/// pass slice by slice they would cut a stage in two, and what the second reads of the first would
/// go through memory.
void defer_accumulation(Graph& graph, int64_t width);

}  // namespace cairn
