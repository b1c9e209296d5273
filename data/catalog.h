// The data sets that Cairn knows by name: data/catalog.json, which is part of the program.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/shape.h"

namespace cairn {

/// How a set's files are written.
enum class DataFormat : uint8_t {
  idx,   // four files: training images, training labels, test images, test labels (data/idx.h)
  cifar  // training batches, then the test batch (data/cifar.h)
};

struct CatalogFile {
  std::string name;      // of the unpacked file in the cache
  int64_t bytes = 0;     // unpacked
  std::string sha256;    // of the unpacked file
  std::string member;    // its path in the npm package, where there is one
  std::string download;  // its name below each address, or in the archive; may be packed by gzip
  int64_t download_bytes = 0;  // of that
  std::string labels = {};  // path of a list in JSON in the npm package, whose `member` is then a
                            // picture with an image in each row (data/cifar.h)
  int64_t first_label = 0;  // this file's first in that list
};

struct NpmPackage {
  std::string package, version;
  int64_t bytes = 0;  // of the archive
};

/// A package of Debian, and the folder in which it puts the files, plain or packed.
struct DebianPackage {
  std::string package;
  std::filesystem::path folder;
};

/// One archive that holds all files, below each address, packed by tar and gzip.
struct CatalogArchive {
  std::string name;
  int64_t bytes = 0;
};

struct CatalogEntry {
  std::string name, description, licence;
  DataFormat format = DataFormat::idx;
  bool embedded = false;  // part of the program: never fetched
  Shape image;            // (C,H,W)
  int64_t classes = 0;
  int64_t train_size = 0, test_size = 0;
  std::vector<std::string> class_names;  // empty: "0", "1", ...
  std::optional<DebianPackage> debian;
  std::optional<NpmPackage> npm;
  std::vector<std::string> addresses;  // each ends in '/'
  std::optional<CatalogArchive> archive;
  std::vector<CatalogFile> files;  // as the format has them
};

/// All entries, in the order of data/catalog.json.
const std::vector<CatalogEntry>& catalog();

/// The entry of that name, or nullptr.
const CatalogEntry* find_catalog_entry(std::string_view name);

/// "did you mean 'mnist'? known data sets: mnist, ...": the hint for a name that there is none of.
std::string known_data_sets(const std::string& name);

/// The entry of that name; a UsageError that lists the known names and the nearest where there is
/// none.
const CatalogEntry& catalog_entry(const std::string& name);

/// Reads text in the form of data/catalog.json; `what` names it in errors.
std::vector<CatalogEntry> parse_catalog(std::string_view text, std::string_view what);

}  // namespace cairn
