#include "core/executor.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "core/error.h"
#include "core/fuse.h"
#include "core/lower.h"
#include "core/mixed.h"
#include "core/rematerialize.h"
#include "core/thread_pool.h"

namespace cairn {

namespace {

bool is_convolutional(const Graph& graph, int64_t n) {
  constexpr double kShare = 0.95;
  double flops = 0, of_places = 0;
  for (const Node& node : graph.nodes()) {
    const double cost = NodeTypes(graph, node, n).cost().flops;
    flops += cost;
    if (node.op->lanes_of_places) of_places += cost;
  }
  return of_places > 0 && of_places >= kShare * flops;
}

}  // namespace

Program compile(Graph graph, PlanOptions options, uint64_t seed, bool fuse) {
  if (options.narrow > 0 && is_convolutional(graph, options.capacity))
    options.width = options.narrow;
  if (fuse) fuse_epilogues(graph), merge_pairs(graph), absorb_companions(graph);
  if (options.sliced) lower(graph), defer_accumulation(graph, options.width);
  std::vector<Value> accumulators =
      fuse ? bind_accumulators(graph) : std::vector<Value>(graph.values().size());
  Plan plan = make_plan(graph, accumulators, options);
  if (fuse && !options.keep && rematerialize(graph, plan.stages)) {
    accumulators.resize(graph.values().size());
    plan = make_plan(graph, accumulators, options);
  }
  const bool tf32 = factors_are_rounded(graph);
  return {std::move(graph), std::move(plan), seed, tf32};
}

PlanOptions plan_options(DeviceKind kind, int64_t batch) {
  PlanOptions options;
  options.capacity = batch;
  options.sliced = kind == DeviceKind::cpu;
  options.width = options.sliced ? cpu_slice_width(batch) : std::max<int64_t>(batch, 1);
  options.narrow = options.sliced ? std::min(options.width, kNarrowWidth) : 0;
  return options;
}

ScratchSizes scratch_sizes(DeviceKind kind, std::span<const Program* const> programs) {
  ScratchSizes sizes;
  for (const Program* p : programs) {
    sizes.arena = std::max(sizes.arena, p->plan.arena_bytes);
    sizes.groups = std::max(sizes.groups, p->plan.group_bytes * p->plan.groups);
    if (kind == DeviceKind::cuda)
      sizes.workspace = std::max(sizes.workspace, p->plan.workspace_bytes);
    if (kind == DeviceKind::cpu)
      sizes.workspace = std::max(sizes.workspace, p->plan.prepared_bytes);
  }
  return sizes;
}

std::shared_ptr<Scratch> make_scratch(Device& device, std::span<const Program* const> programs,
                                      std::shared_ptr<Scratch> shared) {
  const ScratchSizes sizes = scratch_sizes(device.kind(), programs);
  const auto bytes = [](const Buffer& b) { return static_cast<int64_t>(b.bytes()); };
  if (shared && sizes.fits({bytes(shared->arena), bytes(shared->groups), bytes(shared->workspace)}))
    return shared;
  auto scratch = std::make_shared<Scratch>();
  scratch->arena = Buffer(device, static_cast<size_t>(sizes.arena));
  scratch->groups = Buffer(device, static_cast<size_t>(sizes.groups));
  scratch->workspace = Buffer(device, static_cast<size_t>(sizes.workspace));
  return scratch;
}

namespace {

/// How many calls and tensors an executor binds.
struct Bound {
  int64_t calls = 0, tensors = 0;

  explicit Bound(const Program& program) {
    for (const Stage& stage : program.plan.stages) {
      const int64_t slices = stage.sliced ? program.plan.options.slices() : 1;
      for (int n = stage.first; n < stage.last; ++n) {
        const Node& node = program.graph.nodes()[static_cast<size_t>(n)];
        calls += slices;
        tensors += slices * static_cast<int64_t>(node.inputs.size() + node.outputs.size());
      }
    }
  }
};

}  // namespace

int64_t Executor::bytes(const Program& program) {
  const Bound bound(program);
  return bound.calls * int64_t{sizeof(Call)} + bound.tensors * int64_t{sizeof(Tensor)};
}

Executor::Executor(const Program& program, Store& store, std::shared_ptr<Scratch> scratch)
    : program_(program), store_(store), device_(store.device()), scratch_(std::move(scratch)) {
  const PlanOptions& options = program_.plan.options;
  store_.declare(program_.graph, options.width, options.slices());
  step_ = store_.step(program_.graph.step_name());
  tensors_.reserve(static_cast<size_t>(Bound(program).tensors));
  for (const Stage& stage : program_.plan.stages) bind_stage(stage);
  point_to_tensors();
}

Tensor Executor::place(Value v, int64_t slice, int64_t group, bool partial) const {
  const Plan& plan = program_.plan;
  const ValueInfo& info = program_.graph[v];
  const Placement& at = plan.placements[static_cast<size_t>(v.id)];
  const DType dtype = info.type.dtype == DType::f32 ? store_.real() : info.type.dtype;
  const auto memory = [&](const Buffer& buffer, int64_t offset) {
    return static_cast<std::byte*>(buffer.data()) + offset;
  };
  void* data = nullptr;
  int64_t slices = plan.options.slices();
  if (partial) {
    data = memory(scratch_->groups, group * plan.group_bytes + at.partial);
  } else if (at.space == Space::group) {
    data = memory(scratch_->groups, group * plan.group_bytes + at.offset);
    slices = 1;
  } else if (at.space == Space::store) {
    data = store_.tensor(program_.graph[at.store].name).data;
  } else {
    data = memory(scratch_->arena, at.offset);
  }
  if (!info.type.batched) return Tensor(data, dtype, info.type.shape);
  const Tensor whole(data, dtype, info.type.shape, plan.options.width, slices);
  return slice >= 0 && at.space != Space::group ? whole.slice_view(slice) : whole;
}

Executor::Call Executor::bind_call(int index, int64_t slice, int64_t group) {
  const Node& node = program_.graph.nodes()[static_cast<size_t>(index)];
  Call call;
  call.op = node.op;
  if (device_.kind() != DeviceKind::cuda)
    call.kernel = cpu_kernel(*node.op, device_.kind(), store_.real());
  call.args.attrs = &node.attrs;
  call.args.step = step_;
  call.args.workspace = scratch_->workspace.data();
  call.args.key = philox_key(program_.seed, node.name);
  call.args.first = slice < 0 ? 0 : slice * program_.plan.options.width;
  call.args.pool = slice < 0 ? device_.pool() : nullptr;
  call.tensors = static_cast<int>(tensors_.size());
  for (const Value v : node.inputs)
    tensors_.push_back(v ? place(v, slice, group, false) : Tensor{});
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    const Placement& at = program_.plan.placements[static_cast<size_t>(node.outputs[i].id)];
    const bool partial = slice >= 0 && node.op->outputs[i].sum && at.partial >= 0;
    tensors_.push_back(place(node.outputs[i], slice, group, partial));
  }
  return call;
}

bool Executor::sets_sums(const Stage& stage) const {
  const Node& node = program_.graph.nodes()[static_cast<size_t>(stage.first)];
  return device_.kind() == DeviceKind::cuda && node.op->sets_sums &&
         std::ranges::none_of(stage.sums, [&](Value v) {
           return program_.plan.placements[static_cast<size_t>(v.id)].space == Space::store;
         });
}

void Executor::bind_stage(const Stage& stage) {
  const Plan& plan = program_.plan;
  BoundStage bound;
  bound.stage = stage;
  const bool sets = sets_sums(stage);
  for (const Value v : stage.sums) {
    const Placement& at = plan.placements[static_cast<size_t>(v.id)];
    const Tensor total = place(v, -1, 0, false);
    const bool adds = at.space == Space::store;
    if (at.partial >= 0)
      bound.folds.push_back(
          {total.data, place(v, -1, 0, true).data, total.dtype, total.features, adds});
    else if (!adds && !sets)
      bound.cleared.push_back(total);
  }
  const int64_t groups = stage.sliced ? plan.groups : 1;
  std::vector<int64_t> prepared;  // where that of each node lies
  for (int64_t n = stage.first, end = 0; n < stage.last; ++n) {
    prepared.push_back(end);
    end += prepared_bytes(program_.graph, program_.graph.nodes()[static_cast<size_t>(n)],
                          plan.options);
  }
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t from = stage.sliced ? plan.first_slice(group) : -1;
    const int64_t to = stage.sliced ? plan.first_slice(group + 1) : 0;
    for (int64_t slice = from; slice < to; ++slice) {
      std::vector<Call> calls;
      calls.reserve(static_cast<size_t>(stage.last - stage.first));
      for (int n = stage.first; n < stage.last; ++n) {
        calls.push_back(bind_call(n, slice, group));
        calls.back().args.sets = sets;
        if (device_.kind() == DeviceKind::cpu)
          calls.back().args.workspace = static_cast<std::byte*>(scratch_->workspace.data()) +
                                        prepared[static_cast<size_t>(n - stage.first)];
      }
      bound.slices.push_back(std::move(calls));
    }
  }
  stages_.push_back(std::move(bound));
}

void Executor::point_to_tensors() {
  for (BoundStage& stage : stages_)
    for (auto& calls : stage.slices)
      for (Call& call : calls) {
        call.args.in = tensors_.data() + call.tensors;
        call.args.out = call.args.in + call.op->inputs.size();
      }
}

void Executor::run() {
  if (warm_ && !replay_)
    replay_ = device_.record([](void* self) { static_cast<Executor*>(self)->enqueue(); }, this);
  replay_ ? replay_->run() : enqueue();
  warm_ = true;
}

void Executor::enqueue() {
  device_.allow_tensor_cores(program_.tf32);
  for (BoundStage& stage : stages_) {
    for (const Tensor& t : stage.cleared) device_.clear(t.data, static_cast<size_t>(t.bytes()));
    if (!stage.slices.empty())
      for (const Call& call : stage.slices[0]) prepare(call);
    if (stage.stage.sliced)
      run_sliced(stage);
    else
      for (Call& call : stage.slices[0]) invoke(call);
  }
}

void Executor::prepare(const Call& call) {
  if (!call.kernel || call.kernel != call.op->cpu || !call.op->prepare.run) return;
  Args args = call.args;
  args.pool = device_.pool();
  call.op->prepare.run(args);
}

void Executor::run_sliced(BoundStage& stage) {
  auto group = [&](int64_t g) { run_group(stage, g); };
  device_.pool()->run(program_.plan.groups, group);
  fold(stage);
}

void Executor::run_group(BoundStage& stage, int64_t group) {
  const Plan& plan = program_.plan;
  for (const Fold& f : stage.folds)
    std::memset(static_cast<std::byte*>(f.partials) + group * plan.group_bytes, 0,
                static_cast<size_t>(f.elements) * size_of(f.dtype));
  for (int64_t s = plan.first_slice(group); s < plan.first_slice(group + 1); ++s) {
    if (s * plan.options.width >= step_->n_valid) break;  // none of its examples is real
    for (Call& call : stage.slices[static_cast<size_t>(s)]) invoke(call);
  }
}

namespace {

/// total (+)= the partial sums of all groups, in group order.
template <class T>
void add_partials(T* __restrict total, const T* __restrict partials, int64_t stride, int64_t groups,
                  int64_t n, bool adds) {
  constexpr int64_t kBlock = 64;  // held in registers over the groups
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const int64_t count = std::min(kBlock, n - begin);
    T sum[kBlock];
    for (int64_t i = 0; i < count; ++i) sum[i] = partials[begin + i];
    if (adds)
      for (int64_t i = 0; i < count; ++i) sum[i] += total[begin + i];
    for (int64_t g = 1; g < groups; ++g)
      for (int64_t i = 0; i < count; ++i) sum[i] += partials[g * stride + begin + i];
    for (int64_t i = 0; i < count; ++i) total[begin + i] = sum[i];
  }
}

}  // namespace

void Executor::fold(const BoundStage& stage) {
  constexpr int64_t kRun = 4096;  // elements of a task
  const Plan& plan = program_.plan;
  const auto add = [&](auto real, const Fold& f, int64_t begin, int64_t end) {
    using T = decltype(real);
    add_partials(static_cast<T*>(f.total) + begin, static_cast<const T*>(f.partials) + begin,
                 plan.group_bytes / static_cast<int64_t>(sizeof(T)), plan.groups, end - begin,
                 f.adds);
  };
  Args args;
  args.pool = device_.pool();
  for (const Fold& f : stage.folds) {
    if (f.elements <= kRun) args.pool = nullptr;
    for_ranges(args, f.elements, kRun, [&](int64_t begin, int64_t end) {
      f.dtype == DType::f64 ? add(double{}, f, begin, end) : add(float{}, f, begin, end);
    });
    args.pool = device_.pool();
  }
}

void Executor::run_node(int node) {
  for (BoundStage& stage : stages_) {
    if (node < stage.stage.first || node >= stage.stage.last) continue;
    if (stage.stage.sliced)
      fail("a node of a sliced plan can't run alone", "plan with sliced = false and keep = true");
    const Node& n = program_.graph.nodes()[static_cast<size_t>(node)];
    for (size_t i = 0; i < n.outputs.size(); ++i) {
      const Tensor total = place(n.outputs[i], -1, 0, false);
      const Placement& at = program_.plan.placements[static_cast<size_t>(n.outputs[i].id)];
      if (n.op->outputs[i].sum && at.space != Space::store)
        device_.clear(total.data, static_cast<size_t>(total.bytes()));
    }
    device_.allow_tensor_cores(program_.tf32);
    Call& call = stage.slices[0][static_cast<size_t>(node - stage.stage.first)];
    prepare(call);
    invoke(call);
    return;
  }
  fail(fmt::format("the graph has no node {}", node));
}

Tensor Executor::tensor(Value v) const {
  if (program_.plan.placements[static_cast<size_t>(v.id)].space == Space::group)
    fail(fmt::format("'{}' lives for one slice only", program_.graph[v].name),
         "plan with keep = true");
  return place(v, -1, 0, false);
}

std::vector<double> Executor::read(Value v, int64_t examples) const {
  Tensor host = tensor(v);
  std::vector<std::byte> bytes(static_cast<size_t>(host.bytes()));
  device_.download(bytes.data(), host.data, bytes.size());
  host.data = bytes.data();
  return to_plain_values(host, examples);
}

}  // namespace cairn
