// cairn experiment
#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/terminal.h"
#include "core/error.h"
#include "lab/lab.h"

namespace cairn {
namespace {

struct ExperimentOptions {
  DeviceChoice where;
  std::optional<std::string> name, out;
  std::optional<int64_t> steps;
  uint64_t seed = 1;
  bool list = false, quick = false;
};

int list_experiments() {
  bool first = true;
  for (const lab::Experiment* e : lab::all_experiments()) {
    fmt::print("{}{}\n", first ? "" : "\n", styled(e->name, Style::bold, stdout));
    fmt::print("  claim     {}\n  source    {}\n  measured  {}\n  time      {}\n", e->claim,
               e->source, e->measures, e->time);
    first = false;
  }
  return 0;
}

std::string command_of(const lab::Experiment& experiment, const ExperimentOptions& o,
                       const Device& device) {
  return fmt::format("cairn experiment {}{}{} --seed {} --device {}", experiment.name,
                     o.quick ? " --quick" : "", o.steps ? fmt::format(" --steps {}", *o.steps) : "",
                     o.seed, device_name(device));
}

int run_experiment(const ExperimentOptions& o) {
  if (o.list) return list_experiments();
  if (!o.name)
    fail_usage("the name of an experiment is missing",
               "`cairn experiment --list` tells what there is");
  const lab::Experiment& experiment = lab::find_experiment(*o.name);
  const std::string out = o.out.value_or(fmt::format("experiments/{}", experiment.name));
  const auto device = open_and_tell(o.where);
  lab::Lab lab(experiment, *device,
               {.out = out,
                .quick = o.quick,
                .seed = o.seed,
                .steps = o.steps,
                .command = command_of(experiment, o, *device)});
  experiment.measure(lab);
  const bool drawn = lab.write();
  fmt::print("{}\n\n", experiment.claim);
  Table table({{"seen"}, {"claim"}, {"expected"}, {"measured"}});
  for (const lab::Finding& f : lab.findings())
    table.add_row({f.holds ? styled("yes", Style::green, stdout) : styled("no", Style::red, stdout),
                   f.claim, f.published, f.measured});
  table.print(stdout);
  fmt::print("\n{}: {}\n", experiment.name,
             lab.holds() ? "all of it was seen" : "not all of it was seen");
  fmt::print(stderr, "{}/report.md has it on a page\n", out);
  if (!drawn)
    fmt::print(stderr, "plots are left out: install gnuplot-nox, or run gnuplot on {}/*.gp\n", out);
  return lab.holds() ? 0 : 1;
}

}  // namespace

void add_experiment_command(CommandLine& args) {
  const auto o = std::make_shared<ExperimentOptions>();
  Command& command = args.command(
      "experiment", "Measure a claim about neural networks: numbers, plots and a verdict",
      {{"cairn experiment --list", "the claims, and how long they take"},
       {"cairn experiment vanishing-gradient --quick",
        "in seconds, on the digits in the program"}});
  command.positional("NAME", o->name, "experiment to run");
  command.flag("--list", o->list, "tell of each experiment");
  command.flag("--quick", o->quick, "the short form");
  command.option("--out", o->out,
                 "folder for result.json, tables, plots and report.md (default: "
                 "experiments/NAME)",
                 "DIR");
  command
      .option("--steps", o->steps,
              "length of each training in cures and degradation (default: the experiment's)", "N")
      .range(1, 1e9)
      .excludes("--quick");
  command.option("--seed", o->seed, "of all random numbers", "N");
  add_device_options(command, o->where);
  command.run([o] { return run_experiment(*o); });
}

}  // namespace cairn
