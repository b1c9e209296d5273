// cairn weights list|diff|convert FILE
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "apps/commands.h"
#include "apps/terminal.h"
#include "core/error.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "io/tensor_values.h"
#include "io/utf8.h"

namespace cairn {
namespace {

struct WeightsOptions {
  std::string file, other, dtype;
  double tolerance = 0;
  bool json = false;
};

/// What the values of a tensor are like.
struct Summary {
  double min = std::numeric_limits<double>::infinity();
  double max = -std::numeric_limits<double>::infinity();
  double sum = 0;
  int64_t finite = 0, not_finite = 0;

  explicit Summary(const TensorRecord& tensor) {
    for (const double value : values_of(tensor)) {
      if (!std::isfinite(value)) {
        ++not_finite;
        continue;
      }
      ++finite;
      min = std::min(min, value), max = std::max(max, value), sum += value;
    }
  }
  double mean() const { return sum / static_cast<double>(finite); }
};

Json dims_to_json(const Shape& shape) {
  Json::Array dims;
  for (const int64_t size : shape.dims()) dims.emplace_back(size);
  return dims;
}

Json to_json(const TensorRecord& tensor) {
  const Summary s(tensor);
  const auto number = [&](double value) { return s.finite > 0 ? Json(value) : Json(); };
  return Json::Object{{"name", tensor.name},
                      {"dtype", name_of(tensor.dtype)},
                      {"shape", dims_to_json(tensor.shape)},
                      {"elements", tensor.shape.elements()},
                      {"min", number(s.min)},
                      {"max", number(s.max)},
                      {"mean", number(s.mean())},
                      {"not_finite", s.not_finite}};
}

/// A tensor's name as a table shows it: in quotes only where it needs them.
std::string shown(const std::string& name) {
  const std::string quoted = quoted_name(name);
  return quoted == '"' + name + '"' && !name.empty() ? name : quoted;
}

void print_list(const SafetensorsFile& file) {
  using Align = Table::Align;
  Table table({{"tensor"},
               {"dtype"},
               {"shape"},
               {"elements", Align::right},
               {"min", Align::right},
               {"max", Align::right},
               {"mean", Align::right},
               {""}});
  int64_t elements = 0, bytes = 0;
  for (const TensorRecord& tensor : file.tensors()) {
    const Summary s(tensor);
    const auto number = [&](double v) { return s.finite > 0 ? fmt::format("{:.6g}", v) : "-"; };
    table.add_row({shown(tensor.name), std::string(name_of(tensor.dtype)), to_string(tensor.shape),
                   human_count(tensor.shape.elements()), number(s.min), number(s.max),
                   number(s.mean()),
                   s.not_finite ? fmt::format("{} not finite", human_count(s.not_finite)) : ""});
    elements += tensor.shape.elements();
    bytes += static_cast<int64_t>(tensor.data.size());
  }
  table.print(stdout);
  fmt::print("\n{} tensors, {} elements, {} bytes\n", human_count(std::ssize(file.tensors())),
             human_count(elements), human_count(bytes));
  for (const auto& [key, value] : file.metadata())
    fmt::print("metadata {}: {}\n", shown(key), quoted_name(value));
}

int list(const WeightsOptions& options) {
  const SafetensorsFile file = SafetensorsFile::open(options.file);
  if (!options.json) {
    print_list(file);
    return 0;
  }
  Json::Object metadata;
  for (const auto& [key, value] : file.metadata()) metadata.emplace_back(key, value);
  Json::Array tensors;
  for (const TensorRecord& tensor : file.tensors()) tensors.push_back(to_json(tensor));
  fmt::print("{}\n", Json(Json::Object{{"file", options.file},
                                       {"metadata", std::move(metadata)},
                                       {"tensors", std::move(tensors)}})
                         .dump());
  return 0;
}

/// How a tensor of two files differs.
struct Difference {
  std::string name;
  std::string problem = {};          // "only in A.safetensors"; empty where values compare
  double largest = 0, relative = 0;  // max |a - b|; the same over max |a|
  int64_t at = 0;                    // element of the largest, row-major
  bool same = false;                 // within the tolerance
};

/// |a - b|: zero between two NaN or equal infinities, infinite where one alone isn't finite.
double distance(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  const double d = std::abs(a - b);
  return std::isnan(d) ? std::numeric_limits<double>::infinity() : d;
}

Difference compare(const TensorRecord& a, const TensorRecord& b, double tolerance) {
  Difference found{.name = a.name};
  if (a.shape != b.shape) {
    found.problem = fmt::format("shape {} against {}", to_string(a.shape), to_string(b.shape));
    return found;
  }
  const std::vector<double> left = values_of(a), right = values_of(b);
  double scale = 0;
  for (size_t i = 0; i < left.size(); ++i) {
    if (std::isfinite(left[i])) scale = std::max(scale, std::abs(left[i]));
    const double d = distance(left[i], right[i]);
    if (d > found.largest) found.largest = d, found.at = static_cast<int64_t>(i);
  }
  found.relative = found.largest == 0 ? 0 : found.largest / scale;
  found.same = found.relative <= tolerance;
  return found;
}

std::vector<Difference> differences(const WeightsOptions& options) {
  const SafetensorsFile a = SafetensorsFile::open(options.file);
  const SafetensorsFile b = SafetensorsFile::open(options.other);
  std::vector<Difference> all;
  for (const TensorRecord& tensor : a.tensors()) {
    const TensorRecord* other = b.find(tensor.name);
    all.push_back(other ? compare(tensor, *other, options.tolerance)
                        : Difference{tensor.name, "only in " + options.file});
  }
  for (const TensorRecord& tensor : b.tensors())
    if (!a.find(tensor.name)) all.push_back({tensor.name, "only in " + options.other});
  return all;
}

Json to_json(const Difference& d) {
  Json::Object json = {{"name", d.name}, {"same", d.same}};
  if (!d.problem.empty()) {
    json.emplace_back("problem", d.problem);
  } else {
    json.emplace_back("largest", d.largest);
    json.emplace_back("relative", d.relative);
    json.emplace_back("at", d.at);
  }
  return json;
}

int diff(const WeightsOptions& options) {
  const std::vector<Difference> all = differences(options);
  const bool same = std::ranges::all_of(all, &Difference::same);
  if (options.json) {
    Json::Array tensors;
    for (const Difference& d : all) tensors.push_back(to_json(d));
    fmt::print("{}\n", Json(Json::Object{{"same", same}, {"tensors", std::move(tensors)}}).dump());
    return same ? 0 : 1;
  }
  using Align = Table::Align;
  Table table({{"tensor"},
               {"max |a - b|", Align::right},
               {"/ max |a|", Align::right},
               {"at element", Align::right},
               {""}});
  for (const Difference& d : all) {
    const bool compared = d.problem.empty();
    const auto number = [&](double v) { return compared ? fmt::format("{:.3g}", v) : "-"; };
    table.add_row({shown(d.name), number(d.largest), number(d.relative),
                   compared && d.largest > 0 ? fmt::to_string(d.at) : "-",
                   d.same     ? "same"
                   : compared ? "differs"
                              : d.problem});
  }
  table.print(stdout);
  return same ? 0 : 1;
}

int convert(const WeightsOptions& options) {
  const SafetensorsFile file = SafetensorsFile::open(options.file);
  const DType to = options.dtype == "float32"   ? DType::f32
                   : options.dtype == "float64" ? DType::f64
                                                : DType::bf16;
  std::vector<TensorRecord> records = file.tensors();
  std::vector<std::vector<std::byte>> converted(records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    TensorRecord& record = records[i];
    if (!is_floating(record.dtype) || record.dtype == to) continue;
    try {
      converted[i] = elements_of(values_of(record), to);
    } catch (const Error& error) {
      fail(fmt::format("{}: tensor {}: {}", options.file, quoted_name(record.name), error.what()),
           "choose a wider --dtype");
    }
    record.dtype = to, record.data = converted[i];
  }
  write_safetensors(options.other, records, file.metadata());
  fmt::print(stderr, "{}: {} tensors, floating ones {}\n", options.other, records.size(),
             name_of(to));
  return 0;
}

}  // namespace

void add_weights_command(CommandLine& args) {
  const auto o = std::make_shared<WeightsOptions>();
  Command& weights = args.command(
      "weights", "Look at weights in safetensors files, compare and convert them (docs/weights.md)",
      {{"cairn weights list runs/quickstart/checkpoint/model.safetensors", ""},
       {"cairn weights diff a.safetensors b.safetensors --tolerance 1e-6", ""},
       {"cairn weights convert a.safetensors b.safetensors --dtype float64", ""}});
  Command& lists = weights.command("list", "Names, types, shapes and ranges of the tensors");
  lists.positional("FILE", o->file, "safetensors file").required();
  lists.flag("--json", o->json, "print JSON instead of a table");
  lists.run([o] { return list(*o); });

  Command& diffs = weights.command(
      "diff", "Compare the tensors of two files by name; exit code 1 where they differ");
  diffs.positional("FILE", o->file, "safetensors file").required();
  diffs.positional("OTHER", o->other, "the file to compare it with").required();
  diffs.option("--tolerance", o->tolerance, "what max |a - b| / max |a| of a tensor may be", "T")
      .at_least(0);
  diffs.flag("--json", o->json, "print JSON instead of a table");
  diffs.run([o] { return diff(*o); });

  Command& converts = weights.command(
      "convert",
      "Write the file with its floating tensors in another type; whole numbers and metadata stay");
  converts.positional("FILE", o->file, "safetensors file").required();
  converts.positional("OUT", o->other, "safetensors file to write").required();
  converts.option("--dtype", o->dtype, "type of the floating tensors", "TYPE")
      .choices({"float32", "float64", "bfloat16"})
      .required();
  converts.run([o] { return convert(*o); });
}

}  // namespace cairn
