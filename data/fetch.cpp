#include "data/fetch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "core/error.h"
#include "data/fetch_source.h"
#include "data/interrupt.h"
#include "io/files.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;

constexpr auto kPoll = std::chrono::milliseconds(50);

// Thrown through a source's work when a signal came; no Error, so that no other source is tried.
struct Interrupted {
  int signal;
};

// Holds a set's lock file: at most one process at a time fetches it. The system lets go of it when
// the process ends, however that happens.
class FetchLock {
 public:
  FetchLock(const fs::path& path, const FetchCallback& progress)
      : fd_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (fd_ < 0) {
      fail(fmt::format("{} cannot be written: {}", path.string(), std::strerror(errno)),
           "set CAIRN_DATA to a directory that can");
    }
    try {
      while (flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        progress({"another process's fetch", FetchStep::kWaiting, 0, 0});
        std::this_thread::sleep_for(kPoll);
      }
    } catch (...) {
      close(fd_);
      throw;
    }
  }
  ~FetchLock() { close(fd_); }
  FetchLock(const FetchLock&) = delete;
  FetchLock& operator=(const FetchLock&) = delete;

 private:
  int fd_;
};

// A directory that lives as long as the object; what a killed run left there is removed first.
class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(fs::path path) : path_(std::move(path)) { clear(); }
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  /// Empties it, and makes the directories work and ready.
  void clear() {
    fs::remove_all(path_);
    fs::create_directories(work());
    fs::create_directories(ready());
  }
  fs::path work() const { return path_ / "work"; }
  fs::path ready() const { return path_ / "ready"; }

 private:
  fs::path path_;
};

bool is_sound(const CatalogEntry& entry) {
  if (!is_fetched(entry)) return false;
  const std::vector<FileCheck> checks = verify(entry);
  return std::ranges::all_of(checks, &FileCheck::ok);
}

[[noreturn]] void fail_all(const CatalogEntry& entry, const std::string& failures) {
  std::vector<std::string> names;
  for (const CatalogFile& file : entry.files) names.push_back(file.name);
  fail(fmt::format("the data set '{}' could not be fetched from any source:{}", entry.name,
                   failures.empty() ? " it has none" : failures),
       fmt::format("check the network; {}or put {} (plain or .gz) into {} by hand; or use `--data "
                   "digits`, which needs no network",
                   entry.debian ? fmt::format("or apt-get install {}, which is found too; ",
                                              entry.debian->package)
                                : "",
                   fmt::join(names, ", "), dataset_dir(entry.name).string()));
}

FetchResult try_sources(const CatalogEntry& entry, const FetchCallback& progress) {
  const fs::path target = dataset_dir(entry.name);
  TemporaryDirectory temporary(cache_dir() / fmt::format(".{}.part", entry.name));
  std::string failures;  // "\n  SOURCE: REASON" for each
  for (const FetchSource& source : fetch_sources(entry)) {
    try {
      temporary.clear();
      source.get(temporary.work(), temporary.ready(), progress);
    } catch (const Error& error) {
      failures += fmt::format("\n  {}: {}", source.name, error.what());
      continue;
    }
    exchange_directory(temporary.ready(), target);
    return {target, source.name, failures};
  }
  fail_all(entry, failures);
}

FetchResult fetch_locked(const CatalogEntry& entry, const FetchCallback& progress) {
  std::error_code error;
  fs::create_directories(cache_dir(), error);
  if (error) {
    fail(fmt::format("{} cannot be made: {}", cache_dir().string(), error.message()),
         "set CAIRN_DATA to a directory that can be written");
  }
  const FetchLock lock(cache_dir() / fmt::format(".{}.lock", entry.name), progress);
  if (is_sound(entry)) return {find_dataset_dir(entry), {}, {}};
  try {
    return try_sources(entry, progress);
  } catch (const fs::filesystem_error& reason) {
    fail(fmt::format("{} cannot be written: {}", cache_dir().string(), reason.code().message()),
         "free some space, or set CAIRN_DATA to another directory");
  }
}

}  // namespace

FetchResult fetch(const CatalogEntry& entry, const FetchCallback& progress) {
  if (entry.embedded) {
    fail(fmt::format("the data set '{}' is part of the program", entry.name),
         fmt::format("use it at once: `--data {}`", entry.name));
  }
  int signal = 0;
  {
    const InterruptScope interrupts;
    try {
      return fetch_locked(entry, [&](const FetchProgress& state) {
        if (interrupts.signal() != 0) throw Interrupted{interrupts.signal()};
        if (progress) progress(state);
      });
    } catch (const Interrupted& interrupted) {
      signal = interrupted.signal;
    }
  }
  raise(signal);
  fail(fmt::format("the fetch of '{}' was interrupted", entry.name),
       fmt::format("cairn data fetch {}", entry.name));
}

FetchResult fetch(const std::string& name, const FetchCallback& progress) {
  return fetch(catalog_entry(name), progress);
}

}  // namespace cairn
