// The computational graph: values, and nodes in creation order, which is a topological order.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/op.h"

namespace cairn {

/// A handle to a value of one graph; default-made it means "none".
struct Value {
  int id = -1;
  explicit operator bool() const { return id >= 0; }
  bool operator==(const Value&) const = default;
};

enum class ValueKind : uint8_t {
  input,      // fed from outside
  parameter,  // trained; lives in the flat parameter buffer
  buffer,     // of the model, beside the parameters: written by nodes, kept in its file
  gradient,   // a parameter's accumulated gradient; lives in the flat gradient buffer
  state,      // persists from step to step, written by nodes that mutate it, kept in checkpoints
  activation  // made by a node; the planner may reuse its memory
};

/// How a parameter begins (layers/init.h has the formulas).
struct Init {
  /// dirac: the first channels of a convolution's output are those of its input, the others begin
  /// as uniform. whitening: from the data, by whoever trains (train/whitening.h); zeros till then.
  enum class Kind : uint8_t { zeros, uniform, normal, constant, dirac, whitening };
  Kind kind = Kind::zeros;
  double scale = 0;  // half-width of the uniform interval, standard deviation, or the constant
};

/// What the learning rate and the weight decay of one parameter are multiplied by.
struct Rates {
  double lr = 1, decay = 1;
};

struct ValueInfo {
  std::string name;
  TensorType type;
  ValueKind kind = ValueKind::activation;
  int producer = -1;  // node, of an activation
  Value base;         // of a view: the value whose memory it shows in another shape
  Init init;          // of a parameter or a buffer
  Rates rates = {};   // of a parameter
};

struct Node {
  const OpDef* op = nullptr;
  std::string name;
  std::vector<Value> inputs;  // one an InputDef; none where an optional one is absent
  std::vector<Value> outputs;
  Attrs attrs;
};

/// Names must be unique among values of a kind other than activation.
class Graph {
 public:
  explicit Graph(bool training = true, std::string step_name = "step")
      : training_(training), step_name_(std::move(step_name)) {}

  /// Whether ops that differ between training and inference take their training form.
  bool training() const { return training_; }
  /// The StepState that the graph's nodes read.
  const std::string& step_name() const { return step_name_; }

  Value input(std::string name, const TensorType& type);
  Value parameter(std::string name, const Shape& shape, Init init);
  void set_rates(Value parameter, Rates rates);
  Value buffer(std::string name, const Shape& shape, Init init);
  Value state(std::string name, const TensorType& type);
  /// The gradient state of a parameter; made on first use.
  Value gradient_of(Value parameter);

  /// Adds a node and returns its outputs. An Error names the op and the input where a type does not
  /// fit. The node's name, default the op's with a number, keys its random numbers.
  std::vector<Value> add(const OpDef& op, std::vector<Value> inputs, const Attrs& attrs,
                         std::string name = {});
  /// The same for an op by name, with attributes as text; returns output 0, or none.
  Value add(std::string_view op, std::vector<Value> inputs, std::string_view attrs = {},
            std::string name = {});
  /// `value` in another shape of as many elements, over the same memory.
  Value reshape(Value value, const Shape& shape);
  /// The value whose memory a view shows; the value itself where it is no view.
  Value base_of(Value value) const;

  const ValueInfo& operator[](Value v) const { return values_[static_cast<size_t>(v.id)]; }
  const std::vector<ValueInfo>& values() const { return values_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  std::vector<Node>& nodes() { return nodes_; }
  std::vector<Value> parameters() const;
  /// The value of that name; an Error where there is none.
  Value find(std::string_view name) const;
  void rename(Value v, std::string name);

 private:
  Value new_value(ValueInfo info);

  bool training_;
  std::string step_name_;
  std::vector<ValueInfo> values_;
  std::vector<Node> nodes_;
};

/// The types at a node, for an op's workspace and cost functions.
struct NodeTypes {
  NodeTypes(const Graph& graph, const Node& node, int64_t n);
  OpTypes types() { return {in, out, attrs, present, n, op->name}; }
  Cost cost() { return op->cost(types()); }

  std::vector<TensorType> in;
  std::vector<TensorType> out;
  Attrs attrs;
  uint32_t present = 0;
  int64_t n = 1;
  const OpDef* op = nullptr;
};

/// The graph in Graphviz's language: a box a node, an ellipse an input, parameter or state, the
/// type at each edge. Draw it with `dot -Tsvg`.
std::string to_dot(const Graph& graph);

/// One line a node: "tanh1 = tanh(conv1.y) : float32 (N, 6, 28, 28)".
std::string to_text(const Graph& graph);

}  // namespace cairn
