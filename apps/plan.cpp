// cairn plan MODEL
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "apps/commands.h"
#include "apps/model_choice.h"
#include "apps/terminal.h"
#include "core/executor.h"
#include "train/optimizers.h"

namespace cairn {
namespace {

struct PlanRequest {
  TrainOptions train;
  std::string device = "cpu";
};

/// Bytes moved and flops of a run of the program, as the ops' cost functions tell.
Cost cost_of(const Program& program) {
  Cost sum;
  for (const Node& node : program.graph.nodes()) {
    NodeTypes types(program.graph, node, program.plan.options.capacity);
    const Cost cost = node.op->cost(types.types());
    sum.bytes += cost.bytes, sum.flops += cost.flops;
  }
  return sum;
}

std::string megabytes(int64_t bytes) { return human_bytes(static_cast<uint64_t>(bytes)); }

std::string scientific(double count) { return fmt::format("{:.3g} M", count / 1e6); }

/// Kernels have a workspace on CUDA alone.
void add_program(Table& table, const char* name, const Program& program, bool cuda) {
  const Plan& plan = program.plan;
  const Cost cost = cost_of(program);
  table.add_row({name, fmt::to_string(program.graph.nodes().size()),
                 fmt::to_string(plan.stages.size()), megabytes(plan.arena_bytes),
                 fmt::format("{} x {}", plan.groups, megabytes(plan.group_bytes)),
                 megabytes(cuda ? plan.workspace_bytes : 0),
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

/// What the device keeps of the training images.
std::string training_data(const Graph& step, const ChosenModel& chosen) {
  const auto images = std::ranges::find(step.values(), kTrainImages, &ValueInfo::name);
  const int64_t bytes =
      images->type.shape.elements() * static_cast<int64_t>(size_of(images->type.dtype));
  return chosen.settings.streamed
             ? fmt::format("training images are streamed: a window of {} batches takes {}",
                           Network::kWindow, megabytes(bytes))
             : fmt::format("{} training images are resident: they take {}",
                           human_count(chosen.examples), megabytes(bytes));
}

int show_plan(const PlanRequest& request) {
  using Align = Table::Align;
  const ChosenModel chosen(request.train);
  const TrainSettings& settings = chosen.settings;
  const bool cuda = request.device == "cuda";
  const ParameterMap parameters = parameters_of(chosen.network);
  const PlanOptions options =
      plan_options(cuda ? DeviceKind::cuda : DeviceKind::cpu, settings.batch);
  const auto planned = [&](Graph graph) {
    return compile(std::move(graph), options, settings.seed);
  };
  const Program accumulate = planned(accumulate_graph(chosen.network, settings, chosen.examples));
  fmt::print("{} on images like those of {}, for {}: batch {} in {} slice{} of {}\n\n",
             chosen.network.model->name, chosen.data.name, request.device, settings.batch,
             options.slices(), options.slices() == 1 ? "" : "s", options.width);
  Table programs({{"program"},
                  {"nodes", Align::right},
                  {"stages", Align::right},
                  {"arena", Align::right},
                  {"groups", Align::right},
                  {"workspace", Align::right},
                  {"moved a step", Align::right},
                  {"flops a step", Align::right}});
  add_program(programs, "accumulate", accumulate, cuda);
  add_program(programs, "update", planned(update_graph(parameters, settings)), cuda);
  add_program(programs, "evaluate",
              planned(evaluate_graph(chosen.network, "test", chosen.examples, settings.batch)),
              cuda);
  programs.print(stdout);
  const size_t buffers = 2 + find_optimizer(settings.optimizer).states.size();
  int64_t elements = 0;
  for (const Segment& s : parameters.segments) elements += s.elements;
  fmt::print("\n{} parameters; with gradients and the states of {}: {} flat buffers of {}\n",
             human_count(elements), settings.optimizer, buffers,
             megabytes(parameters.elements * int64_t{sizeof(float)}));
  fmt::print("{}\n\n", training_data(accumulate.graph, chosen));
  fmt::print("memory of accumulate, by value:\n");
  placements(accumulate).print(stdout);
  return 0;
}

}  // namespace

void add_plan_command(CommandLine& args) {
  const auto o = std::make_shared<PlanRequest>();
  Command& command = args.command(
      "plan", "Show what a training step takes: memory, bytes and flops, before any is taken",
      {{"cairn plan lenet5", ""},
       {"cairn plan mlp --set widths=2000,2000 --device cuda", ""},
       {"cairn plan lenet5 --source streamed", "with a window of two batches, not all images"}});
  command.positional("MODEL", o->train.model, "model to plan: " + model_names()).required();
  add_model_options(command, o->train);
  command.option("--device", o->device, "for which the step is planned; none is opened", "NAME")
      .choices({"cpu", "cuda"});
  command.run([o] { return show_plan(*o); });
}

}  // namespace cairn
