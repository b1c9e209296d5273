#include "data/catalog.h"

#include <fmt/format.h>

#include "core/error.h"
#include "data/embedded.h"
#include "io/json.h"

namespace cairn {
namespace {

constexpr size_t kIdxFiles = 4;

CatalogFile parse_file(const Json& json, const CatalogEntry& entry) {
  CatalogFile file;
  file.name = json.at("name").as_string();
  file.bytes = json.at("bytes").as_int();
  file.sha256 = json.at("sha256").as_string();
  if (entry.embedded) return file;
  if (entry.npm) file.member = json.at("member").as_string();
  if (const Json* labels = json.find("labels")) {
    file.labels = labels->as_string();
    file.first_label = json.at("first_label").as_int();
  }
  file.download = json.at("download").as_string();
  if (!entry.archive) file.download_bytes = json.at("download_bytes").as_int();
  return file;
}

NpmPackage parse_npm(const Json& json) {
  return {json.at("package").as_string(), json.at("version").as_string(),
          json.at("bytes").as_int()};
}

DebianPackage parse_debian(const Json& json) {
  return {json.at("package").as_string(), json.at("folder").as_string()};
}

CatalogEntry parse_entry(const Json& json, std::string_view what) {
  CatalogEntry entry;
  entry.name = json.at("name").as_string();
  entry.description = json.at("description").as_string();
  entry.licence = json.at("licence").as_string();
  entry.embedded = json.at("embedded").as_bool();
  if (const Json* format = json.find("format"); format && format->as_string() == "cifar")
    entry.format = DataFormat::cifar;
  std::vector<int64_t> dims;
  for (const Json& dim : json.at("image").as_array()) dims.push_back(dim.as_int());
  entry.image = Shape(dims);
  entry.classes = json.at("classes").as_int();
  entry.train_size = json.at("train").as_int();
  entry.test_size = json.at("test").as_int();
  if (const Json* names = json.find("class_names")) {
    for (const Json& name : names->as_array()) entry.class_names.push_back(name.as_string());
  }
  if (const Json* debian = json.find("debian")) entry.debian = parse_debian(*debian);
  if (const Json* npm = json.find("npm")) entry.npm = parse_npm(*npm);
  if (const Json* addresses = json.find("addresses")) {
    for (const Json& address : addresses->as_array())
      entry.addresses.push_back(address.as_string());
  }
  if (const Json* archive = json.find("archive"))
    entry.archive = {archive->at("name").as_string(), archive->at("bytes").as_int()};
  for (const Json& file : json.at("files").as_array()) {
    entry.files.push_back(parse_file(file, entry));
  }
  if (entry.format == DataFormat::idx && entry.files.size() != kIdxFiles) {
    fail(fmt::format("{}: '{}' has {} files, not {}", what, entry.name, entry.files.size(),
                     kIdxFiles),
         "name training images, training labels, test images and test labels, in this order");
  }
  return entry;
}

}  // namespace

std::vector<CatalogEntry> parse_catalog(std::string_view text, std::string_view what) {
  const Json json = Json::parse(text, what);
  std::vector<CatalogEntry> entries;
  for (const Json& entry : json.at("datasets").as_array()) {
    entries.push_back(parse_entry(entry, what));
  }
  return entries;
}

const std::vector<CatalogEntry>& catalog() {
  static const std::vector<CatalogEntry> entries = [] {
    const auto bytes = embedded_file("catalog.json");
    return parse_catalog({reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                         "catalog.json");
  }();
  return entries;
}

const CatalogEntry* find_catalog_entry(std::string_view name) {
  for (const CatalogEntry& entry : catalog()) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

std::string known_data_sets(const std::string& name) {
  std::vector<std::string> names;
  for (const CatalogEntry& entry : catalog()) names.push_back(entry.name);
  const std::string nearest = nearest_name(name, names);
  return fmt::format("{}known data sets: {}",
                     nearest.empty() ? "" : fmt::format("did you mean '{}'? ", nearest),
                     fmt::join(names, ", "));
}

const CatalogEntry& catalog_entry(const std::string& name) {
  if (const CatalogEntry* entry = find_catalog_entry(name)) return *entry;
  fail_usage(fmt::format("no data set is called '{}'", name), known_data_sets(name));
}

}  // namespace cairn
