#include "data/cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "core/error.h"
#include "data/byte_reader.h"
#include "data/embedded.h"
#include "data/idx.h"
#include "data/sha256.h"

namespace cairn {
namespace {

constexpr size_t kVerifyChunk = 1 << 20;

ByteReader open_file(const CatalogEntry& entry, const CatalogFile& file) {
  if (entry.embedded) {
    const std::string path = fmt::format("{}/{}.gz", entry.name, file.name);
    return ByteReader(embedded_file(path), path);
  }
  const std::filesystem::path directory = find_dataset_dir(entry);
  const std::filesystem::path path =
      find_idx_file(directory.empty() ? dataset_dir(entry.name) : directory, file.name);
  if (path.empty()) fail("missing");
  return ByteReader(path);
}

std::string find_problem(const CatalogEntry& entry, const CatalogFile& file) {
  try {
    ByteReader reader = open_file(entry, file);
    Sha256 sum;
    std::vector<uint8_t> chunk(kVerifyChunk);
    int64_t bytes = 0;
    while (const size_t got = reader.read(chunk)) {
      sum.update(std::span(chunk).first(got));
      bytes += static_cast<int64_t>(got);
      if (bytes > file.bytes) break;
    }
    if (bytes > file.bytes) return fmt::format("longer than {} bytes", file.bytes);
    if (bytes < file.bytes) return fmt::format("{} bytes instead of {}", bytes, file.bytes);
    return sum.hex() == file.sha256 ? "" : "wrong SHA-256";
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace

std::filesystem::path cache_dir() {
  if (const char* data = std::getenv("CAIRN_DATA"); data && *data) return data;
  if (const char* home = std::getenv("HOME"); home && *home) {
    return std::filesystem::path(home) / ".cache" / "cairn";
  }
  fail("no place for data sets: neither CAIRN_DATA nor HOME is set",
       "set CAIRN_DATA to a directory that may hold them");
}

std::filesystem::path dataset_dir(const std::string& name) { return cache_dir() / name; }

std::filesystem::path find_dataset_dir(const CatalogEntry& entry) {
  const auto holds_all = [&](const std::filesystem::path& directory) {
    return std::ranges::none_of(entry.files, [&](const CatalogFile& file) {
      return find_idx_file(directory, file.name).empty();
    });
  };
  if (holds_all(dataset_dir(entry.name))) return dataset_dir(entry.name);
  if (entry.debian && holds_all(entry.debian->folder)) return entry.debian->folder;
  return {};
}

std::string how_to_get(const CatalogEntry& entry) {
  const std::string fetch = "cairn data fetch " + entry.name;
  if (!entry.debian) return fetch;
  return fmt::format("{} (or on Debian: apt-get install {})", fetch, entry.debian->package);
}

bool is_fetched(const CatalogEntry& entry) {
  return entry.embedded || !find_dataset_dir(entry).empty();
}

bool is_fetched(const std::string& name) { return is_fetched(catalog_entry(name)); }

std::vector<FileCheck> verify(const CatalogEntry& entry) {
  std::vector<FileCheck> checks;
  for (const CatalogFile& file : entry.files) {
    checks.push_back({file.name, find_problem(entry, file)});
  }
  return checks;
}

std::vector<FileCheck> verify(const std::string& name) { return verify(catalog_entry(name)); }

}  // namespace cairn
