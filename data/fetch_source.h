// The places that a data set can be fetched from; a part of data/fetch.cpp.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/fetch.h"

namespace cairn {

/// One place to fetch from. `get` puts the files of the set, checked, into the empty directory
/// `ready`, and uses the empty directory `work` as it likes; an Error says why it can't.
struct FetchSource {
  std::string name;
  std::function<void(const std::filesystem::path& work, const std::filesystem::path& ready,
                     const FetchCallback& progress)>
      get;
};

/// The sources of a set in the order in which they are tried; `entry` must outlive them.
std::vector<FetchSource> fetch_sources(const CatalogEntry& entry);

}  // namespace cairn
