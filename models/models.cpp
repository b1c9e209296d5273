#include "models/models.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"

namespace cairn {

std::vector<const Model*> all_models() {
  std::vector<const Model*> models;
  for (const auto* file : model_files())
    for (const Model& model : *file) models.push_back(&model);
  return models;
}

const Model& find_model(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Model* model : all_models()) {
    if (model->name == name) return *model;
    names.push_back(model->name);
  }
  const std::string near = nearest_name(std::string(name), names);
  fail_usage(fmt::format("there is no model '{}'", name),
             near.empty() ? fmt::format("the models are {}", fmt::join(names, ", "))
                          : fmt::format("did you mean '{}'?", near));
}

const Recipe& find_recipe(const Model& model, std::string_view name) {
  if (model.recipe.name == name) return model.recipe;
  std::vector<std::string_view> names = {model.recipe.name};
  for (const Recipe& recipe : model.more_recipes) {
    if (recipe.name == name) return recipe;
    names.push_back(recipe.name);
  }
  fail_usage(fmt::format("model {} has no recipe '{}'", model.name, name),
             fmt::format("it has {}", fmt::join(names, ", ")));
}

ModelOptions complete_options(const Model& model, const ModelOptions& given) {
  ModelOptions options;
  std::vector<std::string_view> names;
  for (const ModelOption& option : model.options) {
    options.emplace(option.name, option.initial);
    names.push_back(option.name);
  }
  for (const auto& [name, value] : given) {
    const auto found = options.find(name);
    if (found == options.end())
      fail_usage(
          fmt::format("model {} has no option '{}'", model.name, name),
          names.empty() ? "it takes none" : fmt::format("it takes {}", fmt::join(names, ", ")));
    found->second = value;
  }
  return options;
}

}  // namespace cairn
