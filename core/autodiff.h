// Backpropagation as the chain rule on the graph (Rumelhart, Hinton and Williams 1986; reverse
// accumulation after Linnainmaa 1970): walks the nodes backwards and appends the nodes that compute
// gradients.
//
// Nothing later knows of gradients: what is appended are ordinary nodes.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/graph.h"

namespace cairn {

/// What an op's gradient rule sees of its node: dL/d(inputs) in terms of inputs, outputs and
/// dL/d(outputs). A rule mentions only the values that it needs, so that the planner can free the
/// others.
class GradientRule {
 public:
  Value in(int i) const;
  Value out(int i) const;
  /// dL/d(output i); none where the loss does not depend on it.
  Value dout(int i) const;
  /// Whether dL/d(input i) is asked for.
  bool wants(int i) const;
  const Attrs& attrs() const;
  std::string_view op_name() const;
  Graph& graph() { return graph_; }

  /// Appends a node; returns its output 0, or all.
  Value emit(std::string_view op, std::vector<Value> inputs, std::optional<Attrs> attrs = {});
  std::vector<Value> emit_all(std::string_view op, std::vector<Value> inputs,
                              std::optional<Attrs> attrs = {});
  /// States dL/d(input i), in input i's shape.
  void set(int i, Value gradient);

 private:
  friend class Backward;
  GradientRule(Graph& graph, class Backward& pass, int node)
      : graph_(graph), pass_(pass), node_(node) {}

  Graph& graph_;
  class Backward& pass_;
  int node_;
};

/// dL/d(wrt[i]), given seeds[i] = dL/d(outputs[i]); none where L does not depend on wrt[i]. Where a
/// value is used several times its gradients add in the order in which the backward walk meets the
/// uses.
std::vector<Value> gradients(Graph& graph, std::span<const Value> outputs,
                             std::span<const Value> seeds, std::span<const Value> wrt);

/// Appends the backward pass of `loss` (a scalar) for every parameter: adds each gradient to the
/// parameter's gradient state. `seed` is dL/d(loss), a plain scalar.
void backward(Graph& graph, Value loss, Value seed);

}  // namespace cairn
