// cairn plan MODEL
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>

#include "apps/commands.h"
#include "apps/model_choice.h"
#include "apps/terminal.h"
#include "core/error.h"
#include "core/executor.h"
#include "train/memory.h"
#include "train/optimizers.h"

namespace cairn {
namespace {

struct PlanRequest {
  TrainOptions train;
  std::string device = "cpu";
  std::optional<double> copy, fma;  // GB/s and GFLOP/s
};

/// Bytes moved and flops of a run of the program, as the ops' cost functions tell.
Cost cost_of(const Program& program) {
  Cost sum;
  for (const Node& node : program.graph.nodes()) {
    const Cost cost = NodeTypes(program.graph, node, program.plan.options.capacity).cost();
    sum.bytes += cost.bytes, sum.flops += cost.flops;
  }
  return sum;
}

std::string megabytes(int64_t bytes) { return human_bytes(static_cast<uint64_t>(bytes)); }

int64_t elements_of(const ParameterMap& parameters) {
  int64_t elements = 0;
  for (const Segment& s : parameters.segments) elements += s.elements;
  return elements;
}

std::string scientific(double count) { return fmt::format("{:.3g} M", count / 1e6); }

void add_program(Table& table, const std::string& name, const Program& program, bool cuda) {
  const Plan& plan = program.plan;
  const Cost cost = cost_of(program);
  table.add_row({name, fmt::to_string(program.graph.nodes().size()),
                 fmt::to_string(plan.stages.size()), megabytes(plan.arena_bytes),
                 fmt::format("{} x {}", plan.groups, megabytes(plan.group_bytes)),
                 megabytes(cuda ? plan.workspace_bytes : plan.prepared_bytes),
                 megabytes(static_cast<int64_t>(cost.bytes)), scientific(cost.flops)});
}

/// First and last node that touch each value, by position; a view counts for its base.
std::vector<std::pair<int, int>> lives(const Graph& graph) {
  std::vector<std::pair<int, int>> life(graph.values().size(), {-1, -1});
  for (size_t n = 0; n < graph.nodes().size(); ++n) {
    const auto touch = [&](Value v) {
      if (!v) return;
      auto& [first, last] = life[static_cast<size_t>(graph.base_of(v).id)];
      if (first < 0) first = static_cast<int>(n);
      last = static_cast<int>(n);
    };
    std::ranges::for_each(graph.nodes()[n].inputs, touch);
    std::ranges::for_each(graph.nodes()[n].outputs, touch);
  }
  return life;
}

/// Where every value that takes memory of the plan lies, and from which node to which it lives.
Table placements(const Program& program) {
  using Align = Table::Align;
  const Graph& graph = program.graph;
  const Plan& plan = program.plan;
  Table table({{"value"},
               {"type"},
               {"memory"},
               {"offset", Align::right},
               {"bytes", Align::right},
               {"life"}});
  const auto life = lives(graph);
  for (size_t i = 0; i < graph.values().size(); ++i) {
    const ValueInfo& info = graph.values()[i];
    const Placement& at = plan.placements[i];
    if (info.base || (at.space != Space::arena && at.space != Space::group)) continue;
    const bool group = at.space == Space::group;
    const int64_t bytes = placed_bytes(info, at, plan.options);
    const auto node = [&](int n) { return graph.nodes()[static_cast<size_t>(n)].name; };
    table.add_row({info.name, to_string(info.type), group ? "group" : "arena",
                   human_count(at.offset), human_count(bytes),
                   life[i].first < 0
                       ? ""
                       : fmt::format("{} .. {}", node(life[i].first), node(life[i].second))});
  }
  return table;
}

/// Memory that this process has now: after planning, what a run takes before its data and buffers.
int64_t resident_bytes() {
  int64_t size = 0, resident = 0;  // pages
  if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%" SCNd64 " %" SCNd64, &size, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return resident * sysconf(_SC_PAGESIZE);
}

/// What the host holds of the data beside the device's copy.
int64_t host_data_bytes(const ChosenModel& chosen) {
  constexpr int64_t kReadAhead = 3;  // batches of a BatchStream
  const int64_t image = chosen.data.image.elements();
  const int64_t others = chosen.validation + chosen.test;
  const int64_t ahead = chosen.settings.streamed ? kReadAhead * chosen.settings.batch : 0;
  return chosen.examples + (image + 1) * others +
         image * (ahead + (chosen.in_files ? 0 : chosen.examples));
}

/// What a run takes, part by part; on CUDA of the device alone. `calls`: bytes of its executors.
void print_run_memory(const ChosenModel& chosen, const ParameterMap& parameters, int64_t calls,
                      bool cuda) {
  const DeviceKind kind = cuda ? DeviceKind::cuda : DeviceKind::cpu;
  const TrainSettings& settings = chosen.settings;
  const MemoryNeed need = memory_need(chosen.network, settings, chosen.examples, kind);
  int64_t evaluation = 0;
  for (const int64_t count : {chosen.test, chosen.validation})
    if (count > 0)
      evaluation += evaluation_need(chosen.network, count, kEvaluationBatch, kind, need.scratch);
  const size_t states = find_optimizer(settings.optimizer).states.size() + (settings.ema ? 1 : 0);
  const int64_t host_data = host_data_bytes(chosen);
  Table table({{""}, {"", Table::Align::right}});
  int64_t peak = 0;
  const auto part = [&](const std::string& what, int64_t bytes) {
    table.add_row({what, megabytes(bytes)});
    peak += bytes;
  };
  if (!cuda) part("the program, its graphs and calls", resident_bytes() + calls);
  if (!cuda) part(settings.streamed ? "data set, and batches read ahead" : "data set", host_data);
  part(settings.streamed ? fmt::format("labels, and a window of {} batches", Network::kWindow)
                         : fmt::format("{} training images", human_count(chosen.examples)),
       need.data);
  part(fmt::format("{} parameters, gradients, states of {}{}", human_count(elements_of(parameters)),
                   settings.optimizer, settings.ema ? ", average" : ""),
       need.parameters);
  part("running averages and records", need.states);
  part("activations: the arena", need.scratch.arena);
  part("activations and sums of groups of slices", need.scratch.groups);
  part(cuda ? "workspace of kernels" : "what kernels prepare of weights", need.scratch.workspace);
  part("evaluation: its images and memory", evaluation);
  if (!cuda) part("a checkpoint, while it is written", checkpoint_need(parameters, states));
  table.add_row({cuda ? "peak on the device" : "peak", megabytes(peak)});
  fmt::print("\nmemory of a run:\n");
  table.print(stdout);
  if (cuda)
    fmt::print("CUDA itself (context, code, libraries) comes on top; the host holds {} of data\n",
               megabytes(host_data));
}

/// The least time of a step where memory moves `copy` bytes and multipliers make `fma` flops a
/// second: for each node the longer of the two, added up by op, the longest first.
void print_floor(std::span<const Program> programs, double copy, double fma) {
  struct Line {
    int64_t nodes = 0;
    Cost cost;
    double seconds = 0;
  };
  std::map<std::string_view, Line> lines;
  Line all;
  for (const Program& program : programs)
    for (const Node& node : program.graph.nodes()) {
      const Cost cost = NodeTypes(program.graph, node, program.plan.options.capacity).cost();
      for (Line* line : {&lines[node.op->name], &all}) {
        ++line->nodes;
        line->cost.bytes += cost.bytes, line->cost.flops += cost.flops;
        line->seconds += std::max(cost.bytes / copy, cost.flops / fma);
      }
    }
  std::vector<std::pair<std::string_view, Line>> sorted(lines.begin(), lines.end());
  std::ranges::stable_sort(sorted, std::greater(), [](const auto& l) { return l.second.seconds; });
  sorted.emplace_back("all", all);
  using Align = Table::Align;
  Table table({{"op"},
               {"nodes", Align::right},
               {"bytes", Align::right},
               {"flops", Align::right},
               {"microseconds", Align::right}});
  for (const auto& [name, line] : sorted)
    table.add_row({std::string(name), fmt::to_string(line.nodes),
                   megabytes(static_cast<int64_t>(line.cost.bytes)), scientific(line.cost.flops),
                   fmt::format("{:.1f}", line.seconds * 1e6)});
  fmt::print("\nleast time of a step at {:g} GB/s and {:g} GFLOP/s, launches not counted:\n",
             copy / 1e9, fma / 1e9);
  table.print(stdout);
}

int show_plan(const PlanRequest& request) {
  if (request.copy.has_value() != request.fma.has_value())
    fail_usage("--copy and --fma go together", "give both; cairn bench measures them");

  using Align = Table::Align;
  const ChosenModel chosen(request.train);
  const TrainSettings& settings = chosen.settings;
  const bool cuda = request.device == "cuda";
  const ParameterMap parameters = parameters_of(chosen.network);
  const auto options = [&](int64_t batch) {
    return plan_options(cuda ? DeviceKind::cuda : DeviceKind::cpu, batch);
  };
  const Program step_programs[] = {
      compile(accumulate_graph(chosen.network, settings, chosen.examples), options(settings.batch),
              settings.seed),
      compile(update_graph(parameters, settings), options(settings.batch), settings.seed)};
  const auto& [accumulate, update] = step_programs;
  const PlanOptions& step = accumulate.plan.options;
  fmt::print("{} on images like those of {}, for {}: batch {} in {} slice{} of {}\n\n",
             chosen.network.model->name, chosen.data.name, request.device, settings.batch,
             step.slices(), step.slices() == 1 ? "" : "s", step.width);
  Table programs({{"program"},
                  {"nodes", Align::right},
                  {"stages", Align::right},
                  {"arena", Align::right},
                  {"groups", Align::right},
                  {"workspace", Align::right},
                  {"moved a step", Align::right},
                  {"flops a step", Align::right}});
  add_program(programs, "accumulate", accumulate, cuda);
  add_program(programs, "update", update, cuda);
  const Program evaluate =
      compile(evaluate_graph(chosen.network, "test", chosen.test, kEvaluationBatch),
              options(kEvaluationBatch), settings.seed);
  add_program(programs, fmt::format("evaluate {}", kEvaluationBatch), evaluate, cuda);
  programs.print(stdout);
  if (request.copy) print_floor(step_programs, *request.copy * 1e9, *request.fma * 1e9);
  print_run_memory(chosen, parameters, Executor::bytes(accumulate) + Executor::bytes(evaluate),
                   cuda);
  fmt::print("\nmemory of accumulate, by value:\n");
  placements(accumulate).print(stdout);
  return 0;
}

}  // namespace

void add_plan_command(CommandLine& args) {
  const auto o = std::make_shared<PlanRequest>();
  Command& command = args.command(
      "plan",
      "Show what training takes, before any is taken: a step's memory, bytes and flops, and the "
      "peak "
      "of memory of a whole run",
      {{"cairn plan lenet5", ""},
       {"cairn plan mlp --set widths=2000,2000 --device cuda", ""},
       {"cairn plan resnet20 --device cuda --copy 3350 --fma 67000",
        "and the least time of a step"},
       {"cairn plan lenet5 --source streamed", "with a window of two batches, not all images"}});
  command.positional("MODEL", o->train.model, "model to plan: " + model_names()).required();
  add_model_options(command, o->train);
  command.option("--device", o->device, "for which the step is planned; none is opened", "NAME")
      .choices({"cpu", "cuda"});
  command
      .option("--copy", o->copy,
              "with --fma: the least time of a step, by op, where memory moves so many GB/s", "X")
      .positive();
  command.option("--fma", o->fma, "and multipliers make so many GFLOP/s", "X").positive();
  command.run([o] { return show_plan(*o); });
}

}  // namespace cairn
