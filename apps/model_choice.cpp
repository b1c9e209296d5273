#include "apps/model_choice.h"

#include "apps/commands.h"
#include "apps/runs.h"
#include "data/catalog.h"

namespace cairn {
namespace {

RunConfig config_for(const ModelChoice& choice) {
  TrainOptions options;
  options.set = choice.set;
  options.data = choice.data;
  options.source = choice.source;
  options.optimizer = choice.optimizer;
  options.batch = choice.batch;
  return new_config(options, find_model(choice.model));
}

Dataset images_like(const CatalogEntry& entry) {
  return {entry.name, entry.image, entry.classes, {}, {}};
}

}  // namespace

void add_model_options(Command& command, ModelChoice& choice) {
  command.positional("MODEL", choice.model, "model to show: " + model_names()).required();
  command.option("--set", choice.set, "an option of the model", "NAME=VALUE");
  command.option("--data", choice.data, "data set whose images it takes (default: the model's)",
                 "NAME");
  add_source_option(command, choice.source);
  command.option("--batch", choice.batch, "images a step (default: the model's)", "N").at_least(1);
  command.option("--optimizer", choice.optimizer, "how weights are updated (default: sgd)", "NAME");
}

ChosenModel::ChosenModel(const ModelChoice& choice)
    : data(images_like(catalog_entry(config_for(choice).data))),
      examples(catalog_entry(data.name).train_size),
      network(find_model(choice.model), config_for(choice).options, data, {}),
      settings(config_for(choice).settings) {}

}  // namespace cairn
