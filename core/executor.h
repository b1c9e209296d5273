// Runs a planned graph: a flat list of bound calls. After construction a run allocates nothing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/planner.h"
#include "core/store.h"

namespace cairn {

/// Device memory that executables run one after the other may share.
struct Scratch {
  Buffer arena, groups, workspace;
};

/// What a graph becomes before any memory is taken: fused, planned.
struct Program {
  Graph graph;
  Plan plan;
  uint64_t seed = 0;  // keys the random numbers of its nodes
  bool tf32 = false;  // on CUDA cuBLAS may cut the factors of products to 11 binary digits
};

/// Fuses, lowers and rematerializes (where batches are sliced) and plans a graph. Where its
/// factors_are_rounded, tf32 loses nothing and is allowed; else that is left to the caller. `fuse`
/// false keeps every node as it was written. Slices have options.narrow examples where 95% of the
/// operations are in ops that fill vectors with places: their slices then fit the cache. An Error
/// where sizes overflow 64 bits.
Program compile(Graph graph, PlanOptions options, uint64_t seed, bool fuse = true);

/// The plan that suits a device and a batch, and the graphs that compile() is given with it.
PlanOptions plan_options(DeviceKind kind, int64_t batch);

/// Bytes of the memory that programs share: each part is as large as the one needs that needs most.
struct ScratchSizes {
  int64_t arena = 0, groups = 0, workspace = 0;

  int64_t total() const { return arena + groups + workspace; }
  bool fits(const ScratchSizes& into) const {
    return arena <= into.arena && groups <= into.groups && workspace <= into.workspace;
  }
};
ScratchSizes scratch_sizes(DeviceKind kind, std::span<const Program* const> programs);

/// Memory that is large enough for each of the programs: `shared` itself where that is given and
/// suffices.
std::shared_ptr<Scratch> make_scratch(Device& device, std::span<const Program* const> programs,
                                      std::shared_ptr<Scratch> shared = nullptr);

class Executor {
 public:
  /// Declares the program's persistent values in `store`; program, store and scratch must outlive
  /// this. Errors: those of Store::declare; OutOfMemory.
  Executor(const Program& program, Store& store, std::shared_ptr<Scratch> scratch);
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// Bytes that one takes for itself: each slice has calls of its own.
  static int64_t bytes(const Program& program);

  /// All nodes. On CUDA this only enqueues work: kernel by kernel the first time, then as one
  /// recorded graph.
  void run();
  /// One node by position in the graph, for those who want to watch. Only for plans without slices.
  void run_node(int node);

  /// What a run enqueues on CUDA, once it is recorded, which the second run is; 0 before and
  /// elsewhere.
  int64_t launches() const { return replay_ ? replay_->launches() : 0; }

  const Program& program() const { return program_; }
  /// The memory of a value as the whole batch sees it. Meaningful after a run, for persistent
  /// values and, in a plan made with `keep`, for all.
  Tensor tensor(Value v) const;
  /// The same copied to the host in PyTorch's order, `examples` rows where batched.
  std::vector<double> read(Value v, int64_t examples) const;

 private:
  struct Call {
    const OpDef* op = nullptr;
    KernelFn kernel = nullptr;  // CPU devices
    Args args;
    int tensors = 0;  // position of its inputs in tensors_; the outputs follow
  };
  struct Fold {
    void* total = nullptr;
    void* partials = nullptr;  // of group 0
    DType dtype = DType::f32;
    int64_t elements = 0;
    bool adds = false;  // to what the total holds
  };
  struct BoundStage {
    Stage stage;
    std::vector<std::vector<Call>> slices;  // the calls of each slice; one entry where not sliced
    std::vector<Fold> folds;
    std::vector<Tensor> cleared;  // sums that begin at zero, in a stage without partials
  };

  void enqueue();
  void bind_stage(const Stage& stage);
  /// Whether a stage's op is told to set its sums: a launch less than clearing them.
  bool sets_sums(const Stage& stage) const;
  Call bind_call(int node, int64_t slice, int64_t group);
  void prepare(const Call& call);
  Tensor place(Value v, int64_t slice, int64_t group, bool partial) const;
  void point_to_tensors();
  void run_sliced(BoundStage& stage);
  void run_group(BoundStage& stage, int64_t group);
  void fold(const BoundStage& stage);
  void invoke(Call& call) {
    call.kernel ? call.kernel(call.args) : device_.call(*call.op, store_.real(), call.args);
  }

  const Program& program_;
  Store& store_;
  Device& device_;
  std::shared_ptr<Scratch> scratch_;
  StepState* step_ = nullptr;
  std::vector<Tensor> tensors_;
  std::vector<BoundStage> stages_;
  bool warm_ = false;  // it ran once: code is loaded, algorithms are chosen
  std::unique_ptr<Replay> replay_;
};

}  // namespace cairn
