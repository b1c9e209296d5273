// Where fetched data sets lie: one directory a set below $CAIRN_DATA, else below ~/.cache/cairn.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/catalog.h"

namespace cairn {

/// $CAIRN_DATA, else $HOME/.cache/cairn; need not exist. An Error where neither variable is set.
std::filesystem::path cache_dir();
/// cache_dir()/NAME; need not exist.
std::filesystem::path dataset_dir(const std::string& name);

/// Where the four files of a set lie, plain or packed: dataset_dir(), else the folder of its Debian
/// package; an empty path where neither holds them.
std::filesystem::path find_dataset_dir(const CatalogEntry& entry);
/// What to type to get a set: "cairn data fetch NAME", or by Debian's package.
std::string how_to_get(const CatalogEntry& entry);

/// True where all files of the set are there, plain or packed (their contents are verify()'s
/// business), or it is part of the program.
bool is_fetched(const CatalogEntry& entry);
bool is_fetched(const std::string& name);

struct FileCheck {
  std::string file;     // as in the catalog
  std::string problem;  // empty where length and SHA-256 of the unpacked bytes are right
  bool ok() const { return problem.empty(); }
};

/// Checks each file of a set against the catalog, unpacking as it reads. Never an Error for what is
/// wrong with a file.
std::vector<FileCheck> verify(const CatalogEntry& entry);
std::vector<FileCheck> verify(const std::string& name);

}  // namespace cairn
