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

/// The data set without its images, and their number.
std::pair<Dataset, int64_t> images_like(const RunConfig& config) {
  if (const CatalogEntry* entry = find_catalog_entry(config.data))
    return {{entry->name, entry->image, entry->classes, {}, {}}, entry->train_size};
  const Dataset train =
      load_data(config.data, 10, config.settings.seed, config.settings.streamed).train;
  return {{train.name, train.image, train.classes, {}, {}}, train.size()};
}

}  // namespace

void add_model_options(Command& command, ModelChoice& choice) {
  command.positional("MODEL", choice.model, "model to show: " + model_names()).required();
  command.option("--set", choice.set, "an option of the model", "NAME=VALUE");
  command.option("--data", choice.data,
                 "data set, or directory as for `cairn train`, whose images it takes (default: the "
                 "model's)",
                 "NAME|DIR");
  add_source_option(command, choice.source);
  command.option("--batch", choice.batch, "images a step (default: the model's)", "N").at_least(1);
  command.option("--optimizer", choice.optimizer, "how weights are updated (default: sgd)", "NAME");
}

ChosenModel::ChosenModel(const ModelChoice& choice)
    : ChosenModel(find_model(choice.model), config_for(choice)) {}

ChosenModel::ChosenModel(const Model& model, const RunConfig& config)
    : ChosenModel(model, config, images_like(config)) {}

ChosenModel::ChosenModel(const Model& model, const RunConfig& config,
                         const std::pair<Dataset, int64_t>& images)
    : data(images.first),
      examples(images.second),
      network(model, config.options, data, {}),
      settings(config.settings) {
  expect_batch(settings.batch, examples);
}

}  // namespace cairn
