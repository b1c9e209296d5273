#include "core/planner.h"

#include <algorithm>

#include "core/error.h"

namespace cairn {
namespace {

constexpr int64_t kMaxGroups = 8;
constexpr int64_t kPlaceAlignment = 256;  // bytes
// Caches of a core.
constexpr int64_t kFirstLevelBytes = int64_t{32} << 10, kSecondLevelBytes = int64_t{1} << 20;

/// A value's need of memory: bytes, alive from node `birth` to node `death`, both included.
struct Interval {
  Value value;
  int64_t bytes = 0;
  int birth = 0, death = 0;
  bool partial = false;
  int64_t offset = 0;
};

/// Places the largest first, each at the lowest offset that is free during its life. Returns the
/// bytes used.
int64_t place(std::vector<Interval>& intervals) {
  std::ranges::stable_sort(intervals, std::ranges::greater{}, &Interval::bytes);
  int64_t total = 0;
  std::vector<const Interval*> placed;  // by offset
  for (Interval& x : intervals) {
    int64_t offset = 0;
    for (const Interval* y : placed) {
      if (y->death < x.birth || x.death < y->birth) continue;
      if (offset + x.bytes <= y->offset) break;
      offset = std::max(offset, y->offset + y->bytes);
    }
    x.offset = offset;
    total = std::max(total, offset + x.bytes);
    placed.insert(std::ranges::upper_bound(placed, offset, {}, [](auto* p) { return p->offset; }),
                  &x);
  }
  return total;
}

class Planner {
 public:
  Planner(const Graph& graph, const std::vector<Value>& accumulators, const PlanOptions& options)
      : graph_(graph), accumulators_(accumulators), shared_(graph, options.width) {
    plan_.options = options;
    plan_.placements.resize(graph.values().size());
    plan_.groups =
        options.sliced ? std::max<int64_t>(1, std::min(options.slices(), kMaxGroups)) : 1;
    const auto& nodes = graph.nodes();
    last_ = static_cast<int>(nodes.size());
    while (last_ > 0 && !joins_slices(nodes[static_cast<size_t>(last_ - 1)])) --last_;
  }

  Plan run() {
    cut_stages();
    find_lives();
    place_values();
    for (const Node& node : graph_.nodes()) {
      NodeTypes types(graph_, node, plan_.options.lanes());
      plan_.workspace_bytes = std::max(plan_.workspace_bytes, node.op->workspace(types.types()));
    }
    for (const Stage& stage : plan_.stages) {
      int64_t bytes = 0;
      for (int n = stage.first; n < stage.last; ++n)
        bytes += prepared_bytes(graph_, graph_.nodes()[static_cast<size_t>(n)], plan_.options);
      plan_.prepared_bytes = std::max(plan_.prepared_bytes, bytes);
    }
    return std::move(plan_);
  }

 private:
  struct Life {
    int birth = -1, death = -1;              // nodes
    int birth_stage = -1, death_stage = -1;  // stages
    bool sum = false;
  };

  int base(Value v) const { return graph_.base_of(v).id; }

  bool is_batched(const Node& node) const {
    const auto batched = [&](Value v) { return v && graph_[v].type.batched; };
    return std::ranges::any_of(node.inputs, batched) || std::ranges::any_of(node.outputs, batched);
  }
  /// Behind the last node that is sliced, late sums cut no stage.
  bool joins_slices(const Node& node) const {
    return is_batched(node) && !shared_.is_late_sum(node);
  }
  bool sliceable(int n) const {
    const Node& node = graph_.nodes()[static_cast<size_t>(n)];
    return plan_.options.sliced && n < last_ && node.op->scope != Scope::whole &&
           is_batched(node) && !shared_.outweighs_slices(node);
  }
  /// A run ends where a node must see all examples, or reads a sum that the run itself makes.
  void cut_stages() {
    const auto& nodes = graph_.nodes();
    std::vector<bool> open_sum(graph_.values().size());
    for (int n = 0; n < static_cast<int>(nodes.size()); ++n) {
      const Node& node = nodes[static_cast<size_t>(n)];
      const bool sliced = sliceable(n);
      bool joins = sliced && !plan_.stages.empty() && plan_.stages.back().sliced;
      for (const Value v : node.inputs)
        joins = joins && !(v && open_sum[static_cast<size_t>(base(v))]);
      if (!joins) {
        open_sum.assign(open_sum.size(), false);
        plan_.stages.push_back({n, n, sliced, {}});
      }
      Stage& stage = plan_.stages.back();
      stage.last = n + 1;
      for (size_t i = 0; i < node.outputs.size(); ++i) {
        if (!node.op->outputs[i].sum) continue;
        stage.sums.push_back(node.outputs[i]);
        open_sum[static_cast<size_t>(base(node.outputs[i]))] = true;
      }
    }
  }

  void find_lives() {
    lives_.resize(graph_.values().size());
    for (int s = 0; s < static_cast<int>(plan_.stages.size()); ++s) {
      const Stage& stage = plan_.stages[static_cast<size_t>(s)];
      for (int n = stage.first; n < stage.last; ++n) {
        const Node& node = graph_.nodes()[static_cast<size_t>(n)];
        for (size_t i = 0; i < node.outputs.size(); ++i) {
          Life& life = lives_[static_cast<size_t>(base(node.outputs[i]))];
          life = {n, n, s, s, node.op->outputs[i].sum};
        }
        for (const Value v : node.inputs) {
          if (!v) continue;
          Life& life = lives_[static_cast<size_t>(base(v))];
          life.death = n, life.death_stage = s;
        }
      }
    }
  }

  int64_t bytes_of(Value v, int64_t slices) const {
    const TensorType& type = graph_[v].type;
    const DType dtype = type.dtype == DType::f32 ? plan_.options.real : type.dtype;
    int64_t n = type.shape.elements();
    if (type.batched) n = checked_mul(n, plan_.options.width * slices, "the size of an activation");
    n = checked_mul(n, static_cast<int64_t>(size_of(dtype)), "the bytes of an activation");
    return (n + plan_.options.gap + kPlaceAlignment - 1) / kPlaceAlignment * kPlaceAlignment;
  }

  void place_values() {
    std::vector<Interval> arena, group;
    for (int id = 0; id < static_cast<int>(lives_.size()); ++id) {
      const Value v{id};
      const Life& life = lives_[static_cast<size_t>(id)];
      Placement& place = plan_.placements[static_cast<size_t>(id)];
      if (graph_[v].kind != ValueKind::activation) {
        place = {Space::store, 0, -1, v};
        continue;
      }
      if (life.birth < 0) continue;
      const Stage& born = plan_.stages[static_cast<size_t>(life.birth_stage)];
      if (born.sliced && life.sum && plan_.groups > 1)
        group.push_back({v, bytes_of(v, 1), born.first, born.last - 1, true});
      const bool within = born.sliced && life.birth_stage == life.death_stage && !life.sum;
      if (const Value state = accumulators_[static_cast<size_t>(id)]) {
        place.space = Space::store, place.store = state;
      } else if (within && !plan_.options.keep) {
        place.space = Space::group;
        group.push_back({v, bytes_of(v, 1), life.birth, life.death, false});
      } else {
        place.space = Space::arena;
        const Stage& dies = plan_.stages[static_cast<size_t>(life.death_stage)];
        arena.push_back({v, bytes_of(v, plan_.options.slices()), born.first, dies.last - 1, false});
      }
    }
    plan_.arena_bytes = settle(arena);
    plan_.group_bytes = settle(group);
    for (int id = 0; id < static_cast<int>(lives_.size()); ++id)
      plan_.placements[static_cast<size_t>(id)] = plan_.placements[static_cast<size_t>(base({id}))];
  }

  int64_t settle(std::vector<Interval>& intervals) {
    if (plan_.options.keep)
      for (Interval& x : intervals) x.birth = 0, x.death = static_cast<int>(graph_.nodes().size());
    const int64_t bytes = place(intervals);
    for (const Interval& x : intervals) {
      Placement& place = plan_.placements[static_cast<size_t>(x.value.id)];
      (x.partial ? place.partial : place.offset) = x.offset;
    }
    return bytes;
  }

  const Graph& graph_;
  const std::vector<Value>& accumulators_;
  SharedWeights shared_;
  int last_ = 0;  // node behind those that join slices
  std::vector<Life> lives_;
  Plan plan_;
};

}  // namespace

SharedWeights::SharedWeights(const Graph& graph, int64_t width) : graph_(graph), width_(width) {
  int64_t shared = 0;
  for (const Node& node : graph.nodes())
    if (node.op->shares_weights) shared += bytes(node, false);
  heavy_ = shared > kSecondLevelBytes;
}

/// Of a node's batched values, of one slice, or of its others.
int64_t SharedWeights::bytes(const Node& node, bool batched) const {
  int64_t elements = 0;
  for (const std::vector<Value>* values : {&node.inputs, &node.outputs})
    for (const Value v : *values)
      if (v && graph_[v].type.batched == batched) elements += graph_[v].type.shape.elements();
  return elements * (batched ? width_ : 1) * int64_t{sizeof(float)};
}

bool SharedWeights::outweighs(const Node& node) const {
  return node.op->shares_weights && bytes(node, false) > bytes(node, true);
}

bool SharedWeights::is_late_sum(const Node& node) const {
  return !heavy_ && node.op->scope == Scope::sums_over_batch && outweighs(node) &&
         bytes(node, false) > kFirstLevelBytes;
}

int64_t placed_bytes(const ValueInfo& value, const Placement& at, const PlanOptions& options) {
  const int64_t slices = at.space == Space::group ? 1 : options.slices();
  const int64_t lanes = value.type.batched ? options.width * slices : 1;
  return value.type.shape.elements() * lanes * static_cast<int64_t>(size_of(value.type.dtype));
}

int64_t prepared_bytes(const Graph& graph, const Node& node, const PlanOptions& options) {
  if (!node.op->prepare.bytes) return 0;
  NodeTypes types(graph, node, options.lanes());
  return node.op->prepare.bytes(types.types(), options.width);
}

Plan make_plan(const Graph& graph, const std::vector<Value>& accumulators,
               const PlanOptions& options) {
  return Planner(graph, accumulators, options).run();
}

}  // namespace cairn
