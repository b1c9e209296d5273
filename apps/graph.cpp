// cairn graph MODEL
#include <fmt/format.h>

#include <memory>

#include "apps/commands.h"
#include "apps/model_choice.h"

namespace cairn {
namespace {

struct GraphOptions {
  TrainOptions train;
  std::string part = "forward";
  bool dot = false;
};

Graph chosen_graph(const GraphOptions& options) {
  const ChosenModel chosen(options.train);
  if (options.part == "accumulate")
    return accumulate_graph(chosen.network, chosen.settings, chosen.examples);
  if (options.part == "update") return update_graph(parameters_of(chosen.network), chosen.settings);
  if (options.part == "evaluate")
    return evaluate_graph(chosen.network, "test", chosen.examples, chosen.settings.batch);
  Graph graph;
  chosen.network.logits(graph, graph.input("x", {DType::f32, chosen.network.input(), true}));
  return graph;
}

}  // namespace

void add_graph_command(CommandLine& args) {
  const auto o = std::make_shared<GraphOptions>();
  Command& command =
      args.command("graph", "Show a model as a computational graph",
                   {{"cairn graph lenet5", "its layers, one op a line"},
                    {"cairn graph lenet5 --part accumulate", "with loss and gradients"},
                    {"cairn graph resnet20 --recipe he2015 --part accumulate", "of that recipe"},
                    {"cairn graph lenet5 --dot | dot -Tsvg > lenet5.svg", "as a picture"}});
  command.positional("MODEL", o->train.model, "model to show: " + model_names()).required();
  add_model_options(command, o->train);
  command
      .option("--part", o->part,
              "forward: the layers; accumulate: a training step up to the gradients; update: what "
              "the optimizer does; evaluate",
              "PART")
      .choices({"forward", "accumulate", "update", "evaluate"});
  command.flag("--dot", o->dot, "in Graphviz's language");
  command.run([o] {
    const Graph graph = chosen_graph(*o);
    fmt::print("{}", o->dot ? to_dot(graph) : to_text(graph));
    return 0;
  });
}

}  // namespace cairn
