#include "train/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <list>
#include <map>
#include <set>
#include <system_error>
#include <vector>

#include "core/error.h"
#include "io/files.h"
#include "io/safetensors.h"
#include "io/tensor_values.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kFormatVersion = 2;
constexpr char kStateFile[] = "state.safetensors";
constexpr char kInfoFile[] = "checkpoint.json";
constexpr char kBatchCounter[] = ".num_batches_tracked";  // PyTorch's, of no use with a momentum
constexpr char kOtherModel[] =
    "these are weights of another model: choose the model that they were made with";

/// A flat buffer of the store and how the tensors that lie in it are called in a file.
struct FlatBuffer {
  std::string name;
  std::string prefix;
};

std::vector<FlatBuffer> state_buffers(const CheckpointBuffers& kept) {
  std::vector<FlatBuffer> buffers;
  for (const std::string& name : kept.states) buffers.push_back({name, name + "."});
  return buffers;
}

/// The tensors of model.safetensors.
FlatBuffer model_buffer(const CheckpointBuffers& kept) { return {kept.model, ""}; }

/// The flat buffers' tensors; in the model's own file also what the model has beside parameters.
void save_buffers(const fs::path& path, const Store& store, std::span<const FlatBuffer> buffers,
                  std::span<const ModelBuffer> others) {
  std::list<std::vector<float>> values;  // of each buffer
  std::vector<TensorRecord> records;
  const auto copy_of = [&](const std::string& name) -> const std::vector<float>& {
    const std::vector<double> stored = store.read(name);
    return values.emplace_back(stored.begin(), stored.end());
  };
  for (const FlatBuffer& buffer : buffers) {
    const std::vector<float>& copy = copy_of(buffer.name);
    for (const Segment& s : store.parameters().segments) {
      const auto part = std::span<const float>(copy).subspan(static_cast<size_t>(s.offset),
                                                             static_cast<size_t>(s.elements));
      records.push_back({buffer.prefix + s.name, DType::f32, s.shape, std::as_bytes(part)});
    }
  }
  for (const ModelBuffer& b : others)
    records.push_back({b.name, DType::f32, b.shape, std::as_bytes(std::span(copy_of(b.name)))});
  write_safetensors(path, records, {{"format", "pt"}});
}

const TensorRecord& checked_record(const SafetensorsFile& file, const fs::path& path,
                                   const std::string& name, const Shape& shape) {
  const char* hint = kOtherModel;
  const TensorRecord* record = file.find(name);
  if (!record) fail(fmt::format("{}: there is no tensor '{}'", path.string(), name), hint);
  if (record->shape != shape)
    fail(fmt::format("{}: '{}' has shape {}, but the model's has {}", path.string(), name,
                     to_string(record->shape), to_string(shape)),
         hint);
  if (!is_floating(record->dtype))
    fail(fmt::format("{}: '{}' is {}, not float32", path.string(), name, name_of(record->dtype)),
         "save it as float32");
  return *record;
}

void refuse_extra(const SafetensorsFile& file, const fs::path& path,
                  const std::set<std::string>& known) {
  for (const TensorRecord& record : file.tensors())
    if (!known.contains(record.name) && !record.name.ends_with(kBatchCounter))
      fail(fmt::format("{}: the model has nothing called '{}'", path.string(), record.name),
           kOtherModel);
}

/// A record's values as the parameters hold them.
std::vector<double> float_values(const TensorRecord& record, const fs::path& path) {
  std::vector<double> values = values_of(record);
  for (double& value : values) {
    const double rounded = static_cast<float>(value);
    if (std::isfinite(value) && !std::isfinite(rounded))
      fail(fmt::format("{}: '{}' holds {}, which float32 doesn't reach", path.string(), record.name,
                       value),
           "parameters are float32: scale the model's weights");
    value = rounded;
  }
  return values;
}

void load_buffers(const fs::path& path, Store& store, std::span<const FlatBuffer> buffers,
                  std::span<const ModelBuffer> others) {
  const SafetensorsFile file = SafetensorsFile::open(path);
  std::vector<std::vector<double>> values;
  std::set<std::string> known;
  for (const FlatBuffer& buffer : buffers) {
    std::vector<double>& flat = values.emplace_back(store.read(buffer.name));
    for (const Segment& s : store.parameters().segments) {
      const std::string name = buffer.prefix + s.name;
      const TensorRecord& record = checked_record(file, path, name, s.shape);
      std::ranges::copy(float_values(record, path), flat.begin() + s.offset);
      known.insert(name);
    }
  }
  for (const ModelBuffer& b : others) {
    values.push_back(float_values(checked_record(file, path, b.name, b.shape), path));
    known.insert(b.name);
  }
  refuse_extra(file, path, known);
  for (size_t i = 0; i < buffers.size(); ++i) store.write(buffers[i].name, values[i]);
  for (size_t i = 0; i < others.size(); ++i)
    store.write(others[i].name, values[buffers.size() + i]);
}

Json to_json(const std::optional<Judgement>& judgement) {
  if (!judgement) return {};
  return Json::Object{{"step", judgement->step}, {"accuracy", judgement->accuracy}};
}

std::optional<Judgement> judgement_from_json(const Json& json) {
  if (json.is_null()) return {};
  return Judgement{json.at("step").as_int(), json.at("accuracy").as_double()};
}

Json to_json(const CheckpointInfo& info) {
  return Json::Object{{"format_version", kFormatVersion},
                      {"model", info.model},
                      {"options", options_to_json(info.options)},
                      {"optimizer", info.optimizer},
                      {"seed", fmt::to_string(info.seed)},
                      {"step_state", Json::Object{{"step", info.state.step},
                                                  {"epoch", info.state.epoch},
                                                  {"first", info.state.first},
                                                  {"n_valid", info.state.n_valid},
                                                  {"lr", info.state.lr}}},
                      {"judged", to_json(info.judged)},
                      {"best", to_json(info.best)}};
}

CheckpointInfo info_from_json(const Json& json, const std::string& what) {
  const int64_t version = json.at("format_version").as_int();
  if (version != kFormatVersion)
    fail(fmt::format("{}: format version {} isn't known", what, version),
         fmt::format("this program reads version {}", kFormatVersion));
  const Json& state = json.at("step_state");
  return {json.at("model").as_string(),
          options_from_json(json.at("options")),
          json.at("optimizer").as_string(),
          seed_from_json(json.at("seed"), what),
          {state.at("step").as_int(), state.at("epoch").as_int(), state.at("first").as_int(),
           state.at("n_valid").as_int(), state.at("lr").as_double()},
          judgement_from_json(json.at("judged")),
          judgement_from_json(json.at("best"))};
}

/// The step of DIRECTORY-STEP; none for another name.
std::optional<int64_t> step_of(const fs::path& path, const fs::path& directory) {
  const std::string name = path.filename().string(), prefix = directory.filename().string() + "-";
  int64_t step = 0;
  if (!name.starts_with(prefix)) return {};
  const auto [end, error] =
      std::from_chars(name.data() + prefix.size(), name.data() + name.size(), step);
  if (error != std::errc{} || end != name.data() + name.size()) return {};
  return step;
}

/// Removes all but the newest `count` of the checkpoints from before `step` that were kept beside
/// `directory`. Later ones come from a run that was taken up again at an older checkpoint.
void prune(const fs::path& directory, int64_t step, int64_t count) {
  std::error_code error;
  std::map<int64_t, fs::path, std::greater<>> kept;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(fs::absolute(directory).parent_path(), error))
    if (const auto at = step_of(entry.path(), directory)) kept[*at] = entry.path();
  for (const auto& [at, path] : kept)
    if (at >= step || --count < 0) fs::remove_all(path, error);
}

}  // namespace

void save_checkpoint(const fs::path& directory, const Store& store,
                     const CheckpointBuffers& buffers, const CheckpointInfo& info, int64_t keep) {
  fs::path fresh = directory;
  fresh += ".new";
  std::error_code error;
  fs::remove_all(fresh, error);
  if (!error) fs::create_directories(fresh, error);
  if (error)
    fail(fmt::format("cannot make the folder {}: {}", fresh.string(), error.message()),
         "check the disk's free space and the folder's permissions");
  save_buffers(fresh / kModelFile, store, std::array{model_buffer(buffers)},
               store.parameters().buffers);
  save_buffers(fresh / kStateFile, store, state_buffers(buffers), {});
  write_file_atomic(fresh / kInfoFile, to_json(info).dump() + "\n");
  fs::path kept;
  if (keep > 1 && holds_checkpoint(directory)) {
    kept = directory;
    kept += fmt::format("-{}", read_checkpoint_info(directory).state.step);
  }
  exchange_directory(fresh, directory, kept);
  if (keep > 1) prune(directory, info.state.step, keep - 1);
}

bool holds_checkpoint(const fs::path& directory) {
  std::error_code error;
  return fs::exists(directory / kInfoFile, error);
}

CheckpointInfo read_checkpoint_info(const fs::path& directory) {
  const fs::path path = directory / kInfoFile;
  return info_from_json(Json::parse(read_file(path), path.string()), path.string());
}

CheckpointInfo load_checkpoint(const fs::path& directory, Store& store,
                               const CheckpointBuffers& buffers) {
  CheckpointInfo info = read_checkpoint_info(directory);
  load_buffers(directory / kModelFile, store, std::array{model_buffer(buffers)},
               store.parameters().buffers);
  load_buffers(directory / kStateFile, store, state_buffers(buffers), {});
  return info;
}

void load_parameters(const fs::path& file, Store& store) {
  load_buffers(file, store, std::array{model_buffer({})}, store.parameters().buffers);
}

Json options_to_json(const ModelOptions& options) {
  Json::Object members;
  for (const auto& [name, value] : options) members.emplace_back(name, value);
  return members;
}

ModelOptions options_from_json(const Json& json) {
  ModelOptions options;
  for (const auto& [name, value] : json.as_object()) options[name] = value.as_string();
  return options;
}

uint64_t seed_from_json(const Json& json, const std::string& what) {
  const std::string& text = json.as_string();
  uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error != std::errc{} || end != text.data() + text.size())
    fail(fmt::format("{}: the seed \"{}\" is no whole number below 2^64", what, text),
         "correct the file, or train again");
  return seed;
}

}  // namespace cairn
