#include "core/op_runner.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "core/autodiff.h"
#include "core/error.h"

namespace cairn {
namespace {

constexpr int64_t kGap = 256;  // bytes

/// Of the two floats in it the first is a signaling NaN, and so is the double: a sum that is added
/// to one leaves other bytes.
constexpr uint64_t kPoison = 0xfff7'ffff'ffbf'ffff;

/// The first example repeated until the lanes of all slices are full: what spare lanes must hold.
/// Zeros where there is none.
void fill_lanes(std::vector<double>& values, int64_t features, int64_t lanes) {
  const auto full = static_cast<size_t>(features * lanes);
  values.reserve(full);
  if (values.empty()) values.resize(full);
  while (values.size() < full)
    values.push_back(values[values.size() % static_cast<size_t>(features)]);
}

PlanOptions plan_of(const OpCall& call, const OpRunOptions& options) {
  PlanOptions plan;
  plan.capacity = call.n;
  plan.width = options.width > 0 ? options.width : std::max<int64_t>(1, call.n);
  plan.sliced = options.sliced;
  plan.keep = true;
  plan.gap = kGap;
  plan.real = options.real;
  return plan;
}

/// A node with the values that a run of a plan made with `keep` left.
OpCall call_of(const Executor& executor, int node, int64_t examples, const StepState& step) {
  const Graph& graph = executor.program().graph;
  const Node& at = graph.nodes().at(static_cast<size_t>(node));
  OpCall call;
  call.op = at.op, call.attrs = at.attrs, call.name = at.name;
  call.n = examples, call.step = step, call.seed = executor.program().seed;
  for (const Value v : at.inputs)
    call.inputs.push_back(v ? std::optional(HostTensor{graph[v].type, executor.read(v, examples)})
                            : std::nullopt);
  return call;
}

}  // namespace

OpRunner::OpRunner(Device& device, const OpCall& call, const OpRunOptions& options)
    : device_(device), call_(call) {
  const OpDef& op = *call_.op;
  Graph graph;
  for (size_t i = 0; i < call_.inputs.size(); ++i) {
    const auto& input = call_.inputs[i];
    const std::string name =
        i < op.inputs.size() ? fmt::format("in.{}", op.inputs[i].name) : fmt::format("in.{}", i);
    const bool mutated = i < op.inputs.size() && op.inputs[i].use == Use::mutated;
    inputs_.push_back(!input    ? Value{}
                      : mutated ? graph.state(name, input->type)
                                : graph.input(name, input->type));
  }
  outputs_ =
      graph.add(op, inputs_, call_.attrs, call_.name.empty() ? std::string(op.name) : call_.name);
  program_.graph = std::move(graph);
  if (!options.seeded.empty()) append_gradients(options.seeded);
  if (options.prefilled) append_sums();
  program_ =
      compile(std::move(program_.graph), plan_of(call_, options), call_.seed, options.prefilled);
  const Program* programs[] = {&program_};
  scratch_ = make_scratch(device_, programs);
  poison_.resize(std::max(scratch_->arena.bytes(), scratch_->groups.bytes()));
  for (size_t i = 0; i < poison_.size(); ++i)
    poison_[i] = static_cast<std::byte>(kPoison >> i % sizeof(kPoison) * 8);
  store_ = std::make_unique<Store>(device_, ParameterMap(program_.graph), options.real);
  executor_ = std::make_unique<Executor>(program_, *store_, scratch_);
}

void OpRunner::append_gradients(const std::vector<int>& seeded) {
  Graph& graph = program_.graph;
  seeds_.resize(outputs_.size());
  seed_values_.resize(outputs_.size());
  for (const int i : seeded) {
    const Value y = outputs_.at(static_cast<size_t>(i));
    seeds_[static_cast<size_t>(i)] = graph.input("d" + graph[y].name, graph[y].type);
  }
  std::vector<Value> wanted;
  for (size_t i = 0; i < inputs_.size(); ++i)
    if (const Value x = inputs_[i];
        x && is_floating(graph[x].type.dtype) && call_.op->inputs[i].use != Use::constant)
      wanted.push_back(x);
  const std::vector<Value> found = cairn::gradients(graph, outputs_, seeds_, wanted);
  gradients_.resize(inputs_.size());
  for (size_t i = 0; i < wanted.size(); ++i)
    gradients_[static_cast<size_t>(std::ranges::find(inputs_, wanted[i]) - inputs_.begin())] =
        found[i];
}

/// As a parameter's gradient is accumulated: the output stands for the state then.
void OpRunner::append_sums() {
  Graph& graph = program_.graph;
  for (size_t i = 0; i < outputs_.size(); ++i) {
    if (!call_.op->outputs[i].sum || call_.op->outputs[i].dtype != DType::f32) continue;
    const Value y = outputs_[i];
    const Value state = graph.state("sum of " + graph[y].name, graph[y].type);
    graph.add("accumulate", {state, y});
    sums_.push_back(state);
    outputs_[i] = state;
  }
}

void OpRunner::set_input(int i, std::vector<double> values) {
  call_.inputs.at(static_cast<size_t>(i)).value().values = std::move(values);
}

void OpRunner::set_seed(int i, std::vector<double> values) {
  seed_values_.at(static_cast<size_t>(i)) = std::move(values);
}

void OpRunner::write(Value v, std::vector<double> values) {
  const ValueInfo& info = program_.graph[v];
  const PlanOptions& plan = program_.plan.options;
  const int64_t lanes = info.type.batched ? plan.lanes() : 1;
  const int64_t features = info.type.shape.elements();
  const int64_t rows = info.type.batched ? call_.n : 1;
  if (values.empty()) values.assign(static_cast<size_t>(features * rows), 0.0);
  if (static_cast<int64_t>(values.size()) != features * rows)
    fail(fmt::format("{}: {} takes {} values, got {}", call_.op->name, info.name, features * rows,
                     values.size()));
  fill_lanes(values, features, lanes);
  store_->write(info.name, values);
}

void OpRunner::run() {
  for (const Buffer* buffer : {&scratch_->arena, &scratch_->groups})
    device_.upload(buffer->data(), poison_.data(), buffer->bytes());
  for (size_t i = 0; i < inputs_.size(); ++i)
    if (inputs_[i]) write(inputs_[i], call_.inputs[i]->values);
  for (size_t i = 0; i < seeds_.size(); ++i)
    if (seeds_[i]) write(seeds_[i], seed_values_[i]);
  for (const Value v : sums_)
    write(v, std::vector<double>(static_cast<size_t>(program_.graph[v].type.shape.elements()),
                                 kPrefilled));
  store_->write_step(program_.graph.step_name(), call_.step);
  executor_->run();
  device_.synchronize();
}

HostTensor OpRunner::read(Value v) const {
  return {program_.graph[v].type, executor_->read(v, call_.n)};
}

std::string OpRunner::stray_write() const {
  const Plan& plan = program_.plan;
  const auto bytes_in = [&](const Buffer& buffer) {
    std::vector<std::byte> bytes(buffer.bytes());
    if (!bytes.empty()) device_.download(bytes.data(), buffer.data(), bytes.size());
    return bytes;
  };
  std::vector<std::byte> arena = bytes_in(scratch_->arena), groups = bytes_in(scratch_->groups);
  std::map<int64_t, std::string_view> arena_names, group_names;  // by the values' first byte
  const auto allow = [this](auto& bytes, auto& names, int64_t begin, int64_t count, auto& name) {
    std::copy_n(poison_.begin() + begin, count, bytes.begin() + begin);
    names[begin] = name;
  };
  for (size_t id = 0; id < plan.placements.size(); ++id) {
    const Placement& at = plan.placements[id];
    if (at.space != Space::arena && at.partial < 0) continue;
    const Tensor t = executor_->tensor({static_cast<int>(id)});
    const std::string& name = program_.graph[{static_cast<int>(id)}].name;
    if (at.space == Space::arena) allow(arena, arena_names, at.offset, t.bytes(), name);
    for (int64_t g = 0; g < (at.partial < 0 ? 0 : plan.groups); ++g)
      allow(groups, group_names, g * plan.group_bytes + at.partial, t.bytes(), name);
  }
  const auto find = [this](const auto& bytes, const auto& names) -> std::string {
    const auto stray = std::ranges::mismatch(bytes, poison_).in1;
    if (stray == bytes.end()) return "";
    const auto after = names.upper_bound(stray - bytes.begin());
    return std::string(after == names.begin() ? "nothing" : std::prev(after)->second);
  };
  const std::string in_arena = find(arena, arena_names);
  return in_arena.empty() ? find(groups, group_names) : in_arena;
}

std::optional<HostTensor> OpRunner::gradient(int i) const {
  const Value v = gradients_.at(static_cast<size_t>(i));
  if (!v) return std::nullopt;
  return read(v);
}

std::vector<OpCall> OpRunner::gradient_calls() const {
  std::vector<OpCall> calls;
  for (size_t node = 1; node < program_.graph.nodes().size(); ++node)
    calls.push_back(call_of(*executor_, static_cast<int>(node), call_.n, step()));
  return calls;
}

Cost OpRunner::cost() const {
  return NodeTypes(program_.graph, program_.graph.nodes().front(), call_.n).cost();
}

std::vector<std::vector<double>> local_derivative(const Executor& executor, const Store& store,
                                                  int node, int input, int output,
                                                  int64_t examples) {
  const Graph& graph = executor.program().graph;
  const Node& at = graph.nodes().at(static_cast<size_t>(node));
  const OpCall call = call_of(executor, node, examples, store.read_step(graph.step_name()));
  OpRunner runner(store.device(), call, {.real = store.real(), .seeded = {output}});
  const HostTensor& x = call.inputs.at(static_cast<size_t>(input)).value();
  const TensorType& y = graph[at.outputs.at(static_cast<size_t>(output))].type;
  std::vector<double> seed(static_cast<size_t>(y.shape.elements() * (y.batched ? examples : 1)));
  std::vector<std::vector<double>> rows;
  for (double& element : seed) {
    element = 1;
    runner.set_seed(output, seed);
    runner.run();
    const auto gradient = runner.gradient(input);
    rows.push_back(gradient ? gradient->values : std::vector<double>(x.values.size()));
    element = 0;
  }
  return rows;
}

}  // namespace cairn
