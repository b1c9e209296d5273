// Memory that outlives a step: parameters, gradients, states and inputs, shared by the executables
// of a model.
//
// All parameters lie in one flat float32 buffer, named "parameters", in PyTorch's shapes;
// "gradients" has the same offsets. An update is one kernel over both, a checkpoint a set of views.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/device.h"
#include "core/graph.h"

namespace cairn {

inline constexpr std::string_view kParameters = "parameters";
inline constexpr std::string_view kGradients = "gradients";
inline constexpr int64_t kParameterAlignment = 16;  // elements: a cache line of float32

/// Where a parameter lies in the flat buffers.
struct Segment {
  std::string name;
  Shape shape;
  Init init;
  Rates rates;
  int64_t offset = 0;  // elements
  int64_t elements = 0;
};

/// A model's running average or the like, which isn't trained.
struct ModelBuffer {
  std::string name;
  Shape shape;
  Init init;
};

/// The parameters of a model in the order of their creation, and its buffers.
struct ParameterMap {
  explicit ParameterMap(const Graph& graph);

  std::vector<Segment> segments;
  int64_t elements = 0;  // of the flat buffer, padding included
  std::vector<ModelBuffer> buffers;
};

class Store {
 public:
  /// `real` is the type that float32 values take: f64 in a float64 reference run. `parameters` may
  /// be empty for graphs without any.
  Store(Device& device, const ParameterMap& parameters, DType real = DType::f32);

  Device& device() const { return device_; }
  DType real() const { return real_; }
  const ParameterMap& parameters() const { return parameters_; }

  /// Makes room for every persistent value of a graph, cleared; a batched input gets `width` x
  /// `slices`. A value that another graph declared already is shared; an Error where the types
  /// differ.
  void declare(const Graph& graph, int64_t width, int64_t slices);
  /// The StepState of that name, in device memory, made and cleared on first use.
  StepState* step(const std::string& name);

  /// A persistent value by name; an Error where there is none. Parameters and gradients ("W.grad")
  /// are views into the flat buffers.
  const Tensor& tensor(const std::string& name) const;
  bool contains(const std::string& name) const { return tensors_.contains(name); }

  /// Plain values in PyTorch's order, converted to the element type; for a batched input, examples
  /// one after the other.
  void write(const std::string& name, std::span<const double> values);
  std::vector<double> read(const std::string& name, int64_t examples = 1) const;
  StepState read_step(const std::string& name) const;
  void write_step(const std::string& name, const StepState& state);

  /// Fills every parameter and buffer from its Init by Philox, keyed by seed and its name.
  void initialize(uint64_t seed);

 private:
  void add(const std::string& name, const TensorType& type, int64_t width, int64_t slices);

  Device& device_;
  ParameterMap parameters_;
  DType real_;
  std::vector<Buffer> buffers_;
  std::map<std::string, Tensor> tensors_;
  std::map<std::string, StepState*> steps_;
};

}  // namespace cairn
