// The work of `cairn eval`.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/runs.h"
#include "apps/support.h"
#include "apps/terminal.h"
#include "core/error.h"
#include "train/checkpoint.h"
#include "train/run_folder.h"

namespace cairn {
namespace {

void print_confusion(const Evaluation& result, const std::vector<std::string>& names) {
  std::vector<Table::Column> columns = {{"true \\ predicted", Table::Align::right}};
  for (int64_t k = 0; k < result.classes; ++k)
    columns.push_back({class_name(names, k), Table::Align::right});
  Table table(std::move(columns));
  auto cell = result.confusion.begin();
  for (int64_t k = 0; k < result.classes; ++k) {
    std::vector<std::string> row = {class_name(names, k)};
    for (int64_t j = 0; j < result.classes; ++j) row.push_back(fmt::to_string(*cell++));
    table.add_row(std::move(row));
  }
  table.print(stdout);
}

Json confusion_to_json(const Evaluation& result) {
  Json::Array rows;
  auto cell = result.confusion.begin();
  for (int64_t k = 0; k < result.classes; ++k) {
    Json::Array row;
    for (int64_t j = 0; j < result.classes; ++j) row.emplace_back(*cell++);
    rows.emplace_back(std::move(row));
  }
  return rows;
}

Json names_to_json(const RunConfig& config) {
  Json::Array names;
  for (int64_t k = 0; k < config.classes; ++k)
    names.emplace_back(class_name(config.class_names, k));
  return names;
}

void report(const RunConfig& config, const std::string& data, const std::string& device,
            const Evaluation& result, bool json) {
  if (json) {
    const Json answer = Json::Object{{"model", config.model},
                                     {"data", data},
                                     {"device", device},
                                     {"images", result.examples},
                                     {"accuracy", result.accuracy},
                                     {"loss", result.loss},
                                     {"classes", names_to_json(config)},
                                     {"confusion", confusion_to_json(result)}};
    fmt::print("{}\n", answer.dump());
    return;
  }
  Table table({{""}, {""}});
  table.add_row({"model", config.model});
  table.add_row({"data", fmt::format("{}, {} test images", data, human_count(result.examples))});
  table.add_row({"accuracy", percent(result.accuracy)});
  table.add_row({"loss", fmt::format("{:.4f}", result.loss)});
  table.print(stdout);
  fmt::print("\n");
  print_confusion(result, config.class_names);
}

}  // namespace

int evaluate(const EvalOptions& options) {
  const RunPath path(options.run);
  const RunConfig config = read_config(path.run);
  const std::string name = options.data.value_or(config.data);
  const DataSplits data = load_data_or_advise(name, config.classes, config.settings.seed,
                                              config.settings.streamed && !options.data);
  if (data.test.image != config.image || data.test.classes != config.classes)
    fail_usage(fmt::format("the run knows images {} of {} classes, but those of {} are {} of {}",
                           to_string(config.image), config.classes, name,
                           to_string(data.test.image), data.test.classes),
               "choose another --data");
  if (data.test.class_names != config.class_names && !data.test.class_names.empty() &&
      !config.class_names.empty())
    fail_usage(
        fmt::format("the classes of {} have other names than those that the run knows", name),
        fmt::format("the run knows: {}", fmt::join(config.class_names, ", ")));
  const Network network(find_model(config.model), config.options, data.test, config.normalization);
  DeviceChoice where = options.where;
  where.run_conv = config.conv;
  const auto device = open_and_tell(where);
  Store store(*device, parameters_of(network));
  load_parameters(path.checkpoint / kModelFile, store);
  Evaluator evaluator(network, store, data.test, "test", kEvaluationBatch);
  report(config, name, device_name(*device), evaluator.run(), options.json);
  return 0;
}

}  // namespace cairn
