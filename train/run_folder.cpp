#include "train/run_folder.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <limits>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "io/files.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;

constexpr char kConfigFile[] = "config.json";

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

/// Nothing in it, or what a killed process left of its first file.
bool is_unused(const fs::path& folder) {
  remove_partial_files(folder);
  std::error_code error;
  return fs::is_empty(folder, error);
}

bool holds_run(const fs::path& folder) { return is_there(folder / kConfigFile); }

}  // namespace

RunPath::RunPath(const std::string& name) {
  run = fs::path(name + "/").lexically_normal().parent_path();
  checkpoint = run / kCheckpointFolder;
  if (!is_there(run / kModelFile)) return;
  checkpoint = run;
  run = fs::absolute(run).parent_path();
}

RunPath newest_run(const fs::path& runs) {
  fs::path newest;
  fs::file_time_type time;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(runs, error)) {
    std::error_code none;
    const auto written = fs::last_write_time(entry.path() / kCheckpointFolder / kModelFile, none);
    if (none || !holds_run(entry.path())) continue;
    if (newest.empty() || std::pair(written, entry.path()) > std::pair(time, newest))
      newest = entry.path(), time = written;
  }
  if (newest.empty())
    fail(fmt::format("there is no trained run in {}/", runs.string()),
         "train one: cairn train lenet5 --data digits; or name one by --run RUN");
  return RunPath(newest.string());
}

fs::path default_run_folder(std::string_view model) {
  std::tm now{};
  const std::time_t seconds = std::time(nullptr);
  ::localtime_r(&seconds, &now);
  const fs::path first = fs::path("runs") / fmt::format("{}-{:%Y%m%d-%H%M%S}", model, now);
  fs::path folder = first;
  for (int n = 2; is_there(folder); ++n) {
    folder = first;
    folder += fmt::format("-{}", n);
  }
  return folder;
}

void check_run_folder(const fs::path& run) {
  if (!is_there(run)) return;
  std::error_code error;
  if (!fs::is_directory(run, error))
    fail_usage(fmt::format("{} is a file, not a folder", run.string()), "choose another --out");
  if (!holds_run(run) && !is_unused(run))
    fail_usage(
        fmt::format("{} is not empty and holds no run (there is no {})", run.string(), kConfigFile),
        "choose another --out, or move that folder away");
}

fs::path create_run_folder(const fs::path& run) {
  check_run_folder(run);
  const fs::path backup = holds_run(run) ? move_aside(run) : fs::path();
  std::error_code error;
  fs::create_directories(run, error);
  if (error)
    fail(fmt::format("cannot make the folder {}: {}", run.string(), error.message()),
         "choose another --out");
  return backup;
}

Json to_json(const RunSummary& summary) {
  const bool fits = summary.seed <= uint64_t{std::numeric_limits<int64_t>::max()};
  const Json seed =
      fits ? Json(static_cast<int64_t>(summary.seed)) : Json(fmt::to_string(summary.seed));
  Json json(Json::Object{{"model", summary.model},
                         {"data", summary.data},
                         {"device", summary.device},
                         {"hardware", summary.hardware},
                         {"seed", seed},
                         {"threads", summary.threads},
                         {"steps", summary.steps},
                         {"epochs", summary.epochs},
                         {"train_seconds", summary.train_seconds},
                         {"images_per_s", summary.images_per_s},
                         {"test_accuracy", Json()},
                         {"test_loss", Json()},
                         {"checkpoint", summary.checkpoint.string()},
                         {"interrupted", summary.interrupted}});
  if (summary.test) json.set("test_accuracy", summary.test->accuracy);
  if (summary.test) json.set("test_loss", summary.test->loss);
  if (summary.validation_accuracy) json.set("validation_accuracy", *summary.validation_accuracy);
  if (summary.best)
    json.set("best", Json::Object{{"step", summary.best->step},
                                  {"validation_accuracy", summary.best->accuracy}});
  return json;
}

void write_summary(const fs::path& run, const RunSummary& summary) {
  write_file_atomic(run / "summary.json", to_json(summary).dump() + "\n");
}

}  // namespace cairn
