// cairn predict IMAGE...
#include <fmt/format.h>

#include <memory>

#include "apps/commands.h"
#include "apps/runs.h"
#include "apps/terminal.h"
#include "core/error.h"
#include "train/checkpoint.h"
#include "train/predict.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kGuesses = 3;

struct PredictOptions {
  DeviceChoice where;
  std::vector<std::string> words;  // [RUN] IMAGE...
  std::optional<std::string> run;
  bool json = false;
};

/// The run that is asked: --run, else a folder before the images, else the newest one. Only images
/// are left in `words`.
RunPath chosen_run(const PredictOptions& options, std::vector<std::string>& words) {
  std::error_code unreadable;
  std::optional<RunPath> run;
  if (options.run) {
    run.emplace(*options.run);
  } else if (fs::is_directory(words.front(), unreadable)) {
    run.emplace(words.front());
    words.erase(words.begin());
  } else {
    run = newest_run();
  }
  if (words.empty()) fail_usage("an image is missing", "write: cairn predict RUN IMAGE.png");
  for (const std::string& word : words)
    if (fs::is_directory(word, unreadable))
      fail(fmt::format("{} is a folder, not an image", word),
           fmt::format("name the files: {}", (fs::path(word) / "*.png").string()));
  return *run;
}

/// How pictures become like the training images; old runs don't tell, so that their data must.
PictureStyle style_of(const RunConfig& config) {
  if (config.pictures) return *config.pictures;
  return picture_style(
      load_data_or_advise(config.data, config.classes, config.settings.seed).train);
}

Dataset fitted_images(const RunConfig& config, const std::vector<std::string>& files) {
  const PictureStyle style = style_of(config);
  Dataset data{"the pictures", config.image, config.classes, {}, {}};
  for (const std::string& file : files) {
    const std::vector<uint8_t> pixels = fit_picture(read_png(file), config.image, style, file);
    data.images.insert(data.images.end(), pixels.begin(), pixels.end());
    data.labels.push_back(0);
  }
  return data;
}

Json to_json(const RunConfig& config, const std::string& file, const std::vector<Guess>& guesses) {
  Json::Array items;
  for (const Guess& guess : guesses)
    items.emplace_back(Json::Object{{"class", guess.label},
                                    {"name", class_name(config.class_names, guess.label)},
                                    {"probability", guess.probability}});
  return Json::Object{{"image", file}, {"guesses", std::move(items)}};
}

void report(const RunConfig& config, const RunPath& path, const std::vector<std::string>& files,
            const std::vector<double>& probabilities, bool json) {
  using Align = Table::Align;
  Table table({{"image"},
               {"guess"},
               {"", Align::right},
               {"or"},
               {"", Align::right},
               {"or"},
               {"", Align::right}});
  Json::Array images;
  for (size_t i = 0; i < files.size(); ++i) {
    const double* row = probabilities.data() + i * static_cast<size_t>(config.classes);
    const std::vector<Guess> guesses = best_guesses(row, config.classes, kGuesses);
    std::vector<std::string> cells = {files[i]};
    for (const Guess& guess : guesses) {
      cells.push_back(class_name(config.class_names, guess.label));
      cells.push_back(percent(guess.probability));
    }
    table.add_row(std::move(cells));
    images.push_back(to_json(config, files[i], guesses));
  }
  if (json)
    fmt::print("{}\n", Json(Json::Object{{"model", config.model},
                                         {"run", path.run.string()},
                                         {"images", std::move(images)}})
                           .dump());
  else
    table.print(stdout);
}

int predict_images(const PredictOptions& options) {
  std::vector<std::string> files = options.words;
  const RunPath path = chosen_run(options, files);
  const RunConfig config = read_config(path.run);
  fmt::print(stderr, "run: {} ({} on {})\n", path.run.string(), config.model, config.data);
  const Dataset data = fitted_images(config, files);
  const Network network(find_model(config.model), config.options, data, config.normalization);
  DeviceChoice where = options.where;
  where.run_conv = config.conv;
  const auto device = open_and_tell(where);
  Store store(*device, parameters_of(network));
  load_parameters(path.checkpoint / kModelFile, store);
  report(config, path, files, predict(network, store, data), options.json);
  return 0;
}

}  // namespace

void add_predict_command(CommandLine& args) {
  const auto o = std::make_shared<PredictOptions>();
  Command& command =
      args.command("predict", "Say what a trained run sees in PNG images of any size",
                   {{"cairn predict seven.png", "by the newest run in runs/"},
                    {"cairn predict runs/quickstart seven.png eight.png", ""},
                    {"cairn predict seven.png --run runs/quickstart --json", ""}});
  command.positional("IMAGE", o->words, "PNG images; a run's folder may come before them")
      .required();
  command.option("--run", o->run,
                 "folder that `cairn train` made, or a checkpoint in it (default: the newest in "
                 "runs/)",
                 "RUN");
  add_device_options(command, o->where);
  command.flag("--json", o->json, "print JSON instead of a table");
  command.run([o] { return predict_images(*o); });
}

}  // namespace cairn
