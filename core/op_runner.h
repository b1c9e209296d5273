// Runs one op by itself on values from the host: forward, and the gradients that its rule gives.
//
// Tests, `cairn op` and local_derivative() look at single ops through this. It builds a graph of
// one node and takes the way of training from there: autodiff, plan, store, executor.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/executor.h"

namespace cairn {

/// Values in host memory in PyTorch's order, examples one after the other where batched.
struct HostTensor {
  TensorType type;
  std::vector<double> values;  // none: all zero
};

/// An op, its attributes and its surroundings.
struct OpCall {
  const OpDef* op = nullptr;
  Attrs attrs;
  std::vector<std::optional<HostTensor>> inputs;  // one an InputDef; an optional one may be absent
  int64_t n = 1;                                  // examples given; step.n_valid of them are real
  StepState step;                                 // as the op finds it
  uint64_t seed = 0;                              // with `name` the key of its random numbers
  std::string name;                               // of the node; the op's where empty
};

/// What sums begin at in a run that is `prefilled`.
inline constexpr double kPrefilled = 3;

/// How the batch lies in memory.
struct OpRunOptions {
  DType real = DType::f32;       // f64 on the reference device alone
  int64_t width = 0;             // examples in a slice; 0 is the whole batch
  bool sliced = false;           // pass slice by slice, on the device's threads (cpu and reference)
  std::vector<int> seeded = {};  // outputs whose dL/d(output) is given, for dL/d(inputs)
  bool prefilled = false;        // sums over the batch are added to kPrefilled
};

class OpRunner {
 public:
  /// Builds, plans and binds. An Error where the op refuses its inputs, or has no derivative and
  /// gradients are wanted.
  OpRunner(Device& device, const OpCall& call, const OpRunOptions& options);

  /// Other values for input i, from the next run on.
  void set_input(int i, std::vector<double> values);
  /// dL/d(output i), of a seeded output; zero until set.
  void set_seed(int i, std::vector<double> values);

  /// One run, from the call's inputs and StepState. Memory that the op must write holds NaN
  /// beforehand.
  void run();
  /// The kernels alone, on what memory holds, without waiting for them: for timing.
  void enqueue() { executor_->run(); }

  // After a run; `n` rows where batched.
  HostTensor output(int i) const { return read(outputs_.at(static_cast<size_t>(i))); }
  /// Input i as the run left it: of interest where it is mutated.
  HostTensor input(int i) const { return read(inputs_.at(static_cast<size_t>(i))); }
  /// The value past whose memory the last run wrote; empty where there is none. Memory of inputs is
  /// not watched.
  std::string stray_write() const;
  /// dL/d(input i): none where it isn't floating, or where the op's rule says that L doesn't depend
  /// on it.
  std::optional<HostTensor> gradient(int i) const;
  /// The gradient's nodes as calls of their own, with the values that the last run gave them.
  std::vector<OpCall> gradient_calls() const;
  /// What the op itself must move and compute.
  Cost cost() const;
  StepState step() const { return store_->read_step(program_.graph.step_name()); }

 private:
  HostTensor read(Value v) const;
  void append_gradients(const std::vector<int>& seeded);
  void append_sums();
  void write(Value v, std::vector<double> values);

  Device& device_;
  OpCall call_;
  Program program_;
  std::vector<Value> inputs_, outputs_, seeds_, gradients_;
  std::vector<Value> sums_;  // states that sums are added to, where prefilled
  std::vector<std::vector<double>> seed_values_;
  std::vector<std::byte> poison_;
  std::shared_ptr<Scratch> scratch_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Executor> executor_;
};

/// Whether gradients pass through an op.
inline bool differentiable(const OpDef& op) { return op.gradient != not_differentiable; }

/// The derivative of output `output` of one node by its input `input`, at the values that
/// `executor` and its `store` hold after a run of a plan made with `keep`: row i is d(element i of
/// the output) / d(all elements of the input), elements in PyTorch's order over `examples`
/// examples. A row is the op's gradient rule, run with the seed that is one at element i.
std::vector<std::vector<double>> local_derivative(const Executor& executor, const Store& store,
                                                  int node, int input, int output,
                                                  int64_t examples);

}  // namespace cairn
