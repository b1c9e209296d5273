#include "data/cache.h"

#include <fmt/format.h>

#include <cstdlib>

#include "core/error.h"
#include "data/byte_reader.h"
#include "data/embedded.h"
#include "data/idx.h"
#include "data/sha256.h"

namespace cairn {
namespace {

constexpr size_t kChunk = 1 << 20;

ByteReader open_file(const CatalogEntry& entry, const CatalogFile& file) {
  if (entry.embedded) {
    const std::string path = fmt::format("{}/{}.gz", entry.name, file.name);
    return ByteReader(embedded_file(path), path);
  }
  const std::filesystem::path path = find_idx_file(dataset_dir(entry.name), file.name);
  if (path.empty()) fail("missing");
  return ByteReader(path);
}

std::string find_problem(const CatalogEntry& entry, const CatalogFile& file) {
  try {
    ByteReader reader = open_file(entry, file);
    Sha256 sum;
    std::vector<uint8_t> chunk(kChunk);
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

bool is_fetched(const CatalogEntry& entry) {
  if (entry.embedded) return true;
  for (const CatalogFile& file : entry.files) {
    if (find_idx_file(dataset_dir(entry.name), file.name).empty()) return false;
  }
  return true;
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
