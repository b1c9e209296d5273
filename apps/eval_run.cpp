// The work of `cairn eval`.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "apps/runs.h"
#include "apps/support.h"
#include "apps/terminal.h"
#include "core/error.h"
#include "io/safetensors.h"
#include "io/tensor_values.h"
#include "train/checkpoint.h"
#include "train/predict.h"
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

/// What is judged: a model as a run's config.json describes it, and its weights.
struct Judged {
  RunConfig config;
  std::string weights;
  DataSplits data;
};

Judged judged_run(const EvalOptions& options) {
  if (options.model || !options.set.empty())
    fail_usage("--model and --set don't belong to a run, which has its model",
               "leave them out, or leave out RUN");
  const RunPath path(*options.run);
  RunConfig config = read_config(path.run);
  const bool streamed = config.settings.streamed && !options.data;
  DataSplits data = load_data_or_advise(options.data.value_or(config.data), config.classes,
                                        config.settings.seed, streamed);
  return {std::move(config), options.weights.value_or((path.checkpoint / kModelFile).string()),
          std::move(data)};
}

/// Weights without a run: images are normalised by the training images of the data set, as in
/// training.
Judged judged_weights(const EvalOptions& options) {
  if (!options.weights)
    fail_usage("RUN is missing", "name a folder that `cairn train` made, or give --weights FILE");
  if (!options.model)
    fail_usage("--weights needs a model",
               "name the run that they are for, or give --model: " + model_names());
  TrainOptions asked;
  asked.set = options.set, asked.data = options.data;
  RunConfig config = new_config(asked, find_model(*options.model));
  DataSplits data = load_data_or_advise(config.data, 10, config.settings.seed);
  config.image = data.train.image;
  config.classes = data.train.classes;
  config.class_names = data.train.class_names;
  config.normalization = pixel_statistics(data.train);
  return {std::move(config), *options.weights, std::move(data)};
}

void write_logits(const std::string& file, const std::vector<double>& logits, int64_t classes,
                  const Dataset& data) {
  const std::vector<std::byte> values = elements_of(logits, DType::f32);
  const std::vector<double> labels(data.labels.begin(), data.labels.end());
  const std::vector<std::byte> truth = elements_of(labels, DType::i64);
  write_safetensors(file,
                    std::array{TensorRecord{"logits", DType::f32, {data.size(), classes}, values},
                               TensorRecord{"labels", DType::i64, {data.size()}, truth}});
}

}  // namespace

int evaluate(const EvalOptions& options) {
  const Judged judged = options.run ? judged_run(options) : judged_weights(options);
  const RunConfig& config = judged.config;
  const DataSplits& data = judged.data;
  const std::string name = options.data.value_or(config.data);
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
  load_parameters(judged.weights, store);
  std::vector<double> rows;
  const bool several = options.flip || options.shift > 0;
  if (several)
    rows = mean_logits(network, store, data.test, {options.flip, options.shift});
  else if (options.logits)
    rows = logits(network, store, data.test);
  const Evaluation found =
      several ? judge_logits(rows, data.test)
              : Evaluator(network, store, data.test, "test", kEvaluationBatch).run();
  if (options.logits) write_logits(*options.logits, rows, config.classes, data.test);
  report(config, name, device_name(*device), found, options.json);
  return 0;
}

}  // namespace cairn
