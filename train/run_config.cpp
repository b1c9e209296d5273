// config.json of a run folder.
#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "io/files.h"
#include "train/checkpoint.h"
#include "train/optimizers.h"
#include "train/run_folder.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;

constexpr const char *kStreamed = "streamed", *kResident = "resident";

template <class Range>
Json to_array(const Range& values) {
  Json::Array items;
  for (const auto& value : values) items.emplace_back(value);
  return items;
}

template <class Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json();
}

Json to_json(const TrainSettings& settings) {
  return Json::Object{{"batch", settings.batch},
                      {"accumulate", settings.accumulate},
                      {"optimizer", settings.optimizer},
                      {"lr", settings.lr},
                      {"momentum", settings.momentum},
                      {"weight_decay", settings.weight_decay},
                      {"schedule", settings.schedule},
                      {"milestones", to_array(settings.milestones)},
                      {"warmup", settings.warmup},
                      {"warmup_lr", settings.warmup_lr},
                      {"label_smoothing", settings.label_smoothing},
                      {"clip_norm", or_null(settings.clip_norm)},
                      {"ema", or_null(settings.ema)},
                      {"precision", settings.precision},
                      {"horizon", settings.horizon},
                      {"seed", fmt::to_string(settings.seed)},
                      {"source", settings.streamed ? kStreamed : kResident},
                      {"augment", settings.augment.to_string()}};
}

/// None where the file is older than the member, too.
std::optional<double> optional_number(const Json& json, std::string_view key) {
  const Json* value = json.find(key);
  if (!value || value->is_null()) return {};
  return value->as_double();
}

/// Older files don't have it.
bool is_streamed(const Json& json) {
  const Json* source = json.find("source");
  return source && source->as_string() == kStreamed;
}

/// Older files don't have it.
std::string precision_from_json(const Json& json) {
  const Json* precision = json.find("precision");
  if (!precision) return TrainSettings().precision;
  check_precision(precision->as_string());
  return precision->as_string();
}

/// None in older files.
Augmentation augmentation_from_json(const Json& json) {
  const Json* augment = json.find("augment");
  return augment ? Augmentation::parse(augment->as_string()) : Augmentation();
}

/// None in older files.
std::vector<int64_t> milestones_from_json(const Json& json) {
  std::vector<int64_t> milestones;
  if (const Json* all = json.find("milestones"))
    for (const Json& step : all->as_array()) milestones.push_back(step.as_int());
  return milestones;
}

TrainSettings settings_from_json(const Json& json, const std::string& what) {
  const Json* accumulate = json.find("accumulate");  // none in older files
  return {.batch = json.at("batch").as_int(),
          .accumulate = accumulate ? accumulate->as_int() : 1,
          .optimizer = std::string(find_optimizer(json.at("optimizer").as_string()).name),
          .lr = json.at("lr").as_double(),
          .momentum = json.at("momentum").as_double(),
          .weight_decay = json.at("weight_decay").as_double(),
          .schedule = json.at("schedule").as_string(),
          .milestones = milestones_from_json(json),
          .warmup = json.at("warmup").as_int(),
          .warmup_lr = optional_number(json, "warmup_lr").value_or(0),
          .label_smoothing = optional_number(json, "label_smoothing").value_or(0),
          .clip_norm = optional_number(json, "clip_norm"),
          .ema = optional_number(json, "ema"),
          .precision = precision_from_json(json),
          .horizon = json.at("horizon").as_int(),
          .seed = seed_from_json(json.at("seed"), what),
          .streamed = is_streamed(json),
          .augment = augmentation_from_json(json)};
}

Json to_json(const PictureStyle& style) {
  return Json::Object{{"background", or_null(style.background)}, {"framed", style.framed}};
}

Json to_json(const RunConfig& config) {
  return Json::Object{
      {"cairn_version", config.version},
      {"model", config.model},
      {"options", options_to_json(config.options)},
      {"data", config.data},
      {"init", or_null(config.init)},
      {"image", to_array(config.image.dims())},
      {"classes", config.classes},
      {"class_names", to_array(config.class_names)},
      {"pictures", config.pictures ? to_json(*config.pictures) : Json()},
      {"normalization", Json::Object{{"mean", to_array(config.normalization.mean)},
                                     {"deviation", to_array(config.normalization.deviation)},
                                     {"mean_image", to_array(config.normalization.mean_image)}}},
      {"recipe", config.recipe},
      {"settings", to_json(config.settings)},
      {"epochs", config.epochs},
      {"steps", or_null(config.steps)},
      {"until_accuracy", or_null(config.until_accuracy)},
      {"val_split", config.val_split},
      {"checkpoint_every", or_null(config.checkpoint_every)},
      {"keep", config.keep},
      {"device", config.device},
      {"threads", config.threads},
      {"simd", config.simd},
      {"conv", config.conv.algorithm},
      {"conv_found", options_to_json(config.conv.found)},
      {"batch_norm", config.conv.batch_norm}};
}

void read_channels(const Json& json, const std::string& what, std::array<double, 4>& to) {
  const Json::Array& values = json.as_array();
  if (values.size() != to.size())
    fail(fmt::format("{}: a normalization has {} numbers, not {}", what, values.size(), to.size()),
         "correct the file, or train again");
  std::transform(values.begin(), values.end(), to.begin(),
                 [](const Json& value) { return value.as_double(); });
}

/// What old files don't have.
void read_class_names_and_pictures(const Json& json, RunConfig& config) {
  if (const Json* names = json.find("class_names"))
    for (const Json& name : names->as_array()) config.class_names.push_back(name.as_string());
  const Json* pictures = json.find("pictures");
  if (!pictures || pictures->is_null()) return;
  config.pictures.emplace();
  if (const Json& level = pictures->at("background"); !level.is_null())
    config.pictures->background = level.as_int();
  config.pictures->framed = pictures->at("framed").as_bool();
}

RunConfig config_from_json(const Json& json, const std::string& what) {
  RunConfig config;
  config.version = json.at("cairn_version").as_string();
  config.model = json.at("model").as_string();
  config.options = options_from_json(json.at("options"));
  config.data = json.at("data").as_string();
  if (const Json* init = json.find("init"); init && !init->is_null())  // none in old files
    config.init = init->as_string();
  std::vector<int64_t> image;
  for (const Json& size : json.at("image").as_array()) image.push_back(size.as_int());
  config.image = Shape(image);
  config.classes = json.at("classes").as_int();
  read_class_names_and_pictures(json, config);
  if (!config.class_names.empty() &&
      static_cast<int64_t>(config.class_names.size()) != config.classes)
    fail(fmt::format("{}: {} names of {} classes", what, config.class_names.size(), config.classes),
         "correct the file, or train again");
  read_channels(json.at("normalization").at("mean"), what, config.normalization.mean);
  read_channels(json.at("normalization").at("deviation"), what, config.normalization.deviation);
  if (const Json* means = json.at("normalization").find("mean_image"))  // none in old files
    for (const Json& mean : means->as_array())
      config.normalization.mean_image.push_back(mean.as_double());
  config.per_pixel_mean = !config.normalization.mean_image.empty();
  if (const Json* recipe = json.find("recipe")) config.recipe = recipe->as_string();
  config.settings = settings_from_json(json.at("settings"), what);
  config.epochs = json.at("epochs").as_int();
  if (const Json& steps = json.at("steps"); !steps.is_null()) config.steps = steps.as_int();
  config.until_accuracy = optional_number(json, "until_accuracy");
  config.val_split = json.at("val_split").as_double();
  if (const Json& every = json.at("checkpoint_every"); !every.is_null())
    config.checkpoint_every = every.as_int();
  config.keep = json.at("keep").as_int();
  config.device = json.at("device").as_string();
  config.threads = static_cast<int>(json.at("threads").as_int());
  if (const Json* simd = json.find("simd")) config.simd = simd->as_string();  // none in old files
  if (const Json* conv = json.find("conv")) config.conv.algorithm = conv->as_string();
  if (const Json* found = json.find("conv_found")) config.conv.found = options_from_json(*found);
  if (const Json* norm = json.find("batch_norm")) config.conv.batch_norm = norm->as_string();
  return config;
}

}  // namespace

void write_config(const fs::path& run, const RunConfig& config) {
  write_file_atomic(run / "config.json", to_json(config).dump() + "\n");
}

RunConfig read_config(const fs::path& run) {
  const fs::path path = run / "config.json";
  std::error_code error;
  if (!fs::exists(path, error))
    fail(fmt::format("{} is no run folder: it has no config.json", run.string()),
         "name a folder that `cairn train` made");
  return config_from_json(Json::parse(read_file(path), path.string()), path.string());
}

}  // namespace cairn
