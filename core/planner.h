// From graph to schedule: which memory each value has, and which runs of nodes pass slice by slice.
//
// On the CPU consecutive nodes whose batch scope allows it form a *sliced stage*: the whole run of
// nodes, forward and backward, passes over one slice before the next begins, so a slice stays in
// cache. Slices are dealt to a fixed number of groups, each run in order by one thread; a group has
// its own memory for values that live within the stage (one slice of each) and its own partial
// sums, which are added up in group order when the stage ends. Groups depend on the batch alone, so
// results don't depend on the threads.
//
// An op that `shares_weights` is no part of such a stage where every slice would bring its weights
// from memory again, or has sums that are better made behind the stage: SharedWeights.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "core/graph.h"

namespace cairn {

struct PlanOptions {
  int64_t capacity = 1;  // examples
  int64_t width = 1;     // examples in a slice
  int64_t narrow = 0;    // that of convolutional graphs (compile), where not 0
  bool sliced = false;   // form sliced stages; else every node sees the whole batch
  bool keep = false;     // no memory is used twice: every value can be read after the run
  int64_t gap = 0;       // bytes left free after every value, for a check of stray writes
  DType real = DType::f32;

  /// What isn't sliced is one slice, also of no examples.
  int64_t slices() const { return std::max<int64_t>(slices_for(capacity, width), sliced ? 0 : 1); }
  /// Examples that the memory has room for.
  int64_t lanes() const { return slices() * width; }
};

enum class Space : uint8_t { none, store, arena, group };

/// Where a value lies. In `group` it takes the memory of one slice in each group.
struct Placement {
  Space space = Space::none;
  int64_t offset = 0;    // bytes into the arena or the group's memory
  int64_t partial = -1;  // of a sum made by a sliced stage: bytes into the group's memory
  Value store;           // the persistent value that it is, or that it adds to
};

struct Stage {
  int first = 0, last = 0;  // nodes [first, last)
  bool sliced = false;
  std::vector<Value> sums;  // that the stage makes
};

struct Plan {
  PlanOptions options;
  std::vector<Placement> placements;  // one a value; a view has its base's
  std::vector<Stage> stages;
  int64_t groups = 1;
  int64_t arena_bytes = 0;
  int64_t group_bytes = 0;      // of one group
  int64_t workspace_bytes = 0;  // CUDA: of the node that needs most
  int64_t prepared_bytes = 0;   // CPU: of the stage whose nodes need most

  int64_t first_slice(int64_t group) const { return group * options.slices() / groups; }
};

/// Bytes of a value where the plan puts it: of one slice in a group's memory, else of all.
int64_t placed_bytes(const ValueInfo& value, const Placement& at, const PlanOptions& options);

/// Bytes of what a node's CPU version prepares.
int64_t prepared_bytes(const Graph& graph, const Node& node, const PlanOptions& options);

/// Which ops that share weights take all slices at once (docs/decisions/0015-weights-read-once.md).
class SharedWeights {
 public:
  /// Slices of `width` examples.
  SharedWeights(const Graph& graph, int64_t width);

  /// Wherever it stands: its weights take more memory than a slice of its activations, and all such
  /// weights and gradients more than a core's second-level cache.
  bool outweighs_slices(const Node& node) const { return heavy_ && outweighs(node); }
  /// Behind the stages: a sum of more bytes than a slice of what it is made from, and than the
  /// first-level cache. Slices would each clear and add up all of it.
  bool is_late_sum(const Node& node) const;

 private:
  int64_t bytes(const Node& node, bool batched) const;
  bool outweighs(const Node& node) const;

  const Graph& graph_;
  int64_t width_ = 1;
  bool heavy_ = false;
};

/// Plans a graph whose accumulators are bound as bind_accumulators() said.
Plan make_plan(const Graph& graph, const std::vector<Value>& accumulators,
               const PlanOptions& options);

}  // namespace cairn
