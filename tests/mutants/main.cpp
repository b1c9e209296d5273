// The op suite on mutated CUDA sources (mutate.py).
//
// A test runs once without mutants. Where it first reaches one that is still alive, the process
// forks: the child goes on with that mutant to the end of the test, the parent waits for it and
// goes on without. So what lies before is computed once, and nothing is run for mutants that aren't
// reached.
//
//   cairn_mutants MUTANTS LOG FOLDER...
//
// MUTANTS holds the numbers to try by the tests of the folders' ops, until none is alive. LOG gets
// a line of JSON for each that is killed and for each test that is done. What LOG holds already is
// left out: a run that was cut off goes on.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <span>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/op_table.h"
#include "simt/api.h"
#include "simt/engine.h"
#include "simt/fault.h"
#include "tests/mutants/mutant.h"
#include "tests/mutants/mutants.h"
#include "tests/op_suite.h"

namespace {

constexpr int kAlive = 0, kWrong = 1, kReported = 2, kEndless = 3;  // a child's exit status
constexpr int64_t kMany = 1'000'000;                                // mutants passed in a launch
constexpr const char* kWays[] = {"", "wrong", "reported"};
constexpr const char* kIdle = "OpSuite.Gradient/*:OpSuite.NoDerivative/*";  // run no kernel

std::string log_path, running_test;
std::vector<char> alive;    // by number: to be tried
std::vector<char> reached;  // in the running test
int current = -1;           // the mutant of a child; -1: the parent
bool testing_now = false;
int64_t passed = 0, most = kMany;  // in the running launch, in any without mutants
std::map<int, int64_t> endless;    // mutants that didn't let a kernel of the test end -> the limit

void write_log(const nlohmann::json& line) {
  std::ofstream(log_path, std::ios::app) << line.dump() << std::endl;
}

/// What an earlier run found. Returns the tests that are done, as a filter.
std::string read_log() {
  std::string done;
  std::ifstream in(log_path);
  for (std::string text; std::getline(in, text);) {
    const nlohmann::json line = nlohmann::json::parse(text, nullptr, false);
    if (line.contains("mutant")) alive[line["mutant"].get<size_t>()] = false;
    if (line.contains("test")) done += ":OpSuite." + line["test"].get<std::string>();
  }
  return done;
}

/// The tests of the folders' ops, as a filter.
std::string tests_of(std::span<char*> folders) {
  std::string tests;
  for (const cairn::OpFolder& folder : cairn::op_folders())
    if (std::ranges::find(folders, folder.name) != folders.end())
      for (const cairn::OpDef& op : *folder.ops)
        tests += fmt::format(":OpSuite.*/{0}:OpSuite.*/{0}.*", op.name);
  return tests;
}

void become(int number) {
  current = number;
  new (&simt::lock()) std::recursive_mutex;  // the running launch holds it, in the parent's name
  setenv("PATH", "", 1);                     // reports need no names of places, which take long
  std::freopen("/dev/null", "w", stdout);
  std::freopen("/dev/null", "w", stderr);
}

/// More mutants than a launch passes that ends.
int64_t limit() { return 100 * most; }

void kill_mutant(int number, const std::string& how) {
  alive[static_cast<size_t>(number)] = false;
  write_log({{"mutant", number}, {"by", running_test}, {"how", how}});
}

/// Waits for the child that tries a mutant.
void judge(int number, pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == kAlive) return;
  if (WIFEXITED(status) && WEXITSTATUS(status) == kEndless) {
    endless[number] = limit();
    return;
  }
  std::string way = WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status)) : "ended";
  if (WIFEXITED(status) && WEXITSTATUS(status) < kEndless) way = kWays[WEXITSTATUS(status)];
  kill_mutant(number, way);
}

void try_mutants(int first, int count) {
  for (int number = first; number < first + count && current < 0; ++number) {
    const auto i = static_cast<size_t>(number);
    if (reached[i]) continue;
    reached[i] = true;
    if (!alive[i]) continue;
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) return become(number);
    judge(number, child);
  }
}

/// Counts. Ends a child of which something was reported, or whose mutant never lets a kernel end.
void pass() {
  static uint64_t launch = 0;
  if (launch != simt::running().launch) launch = simt::running().launch, passed = 0;
  ++passed;
  if (current < 0) most = std::max(most, passed);
  if (current >= 0 && simt::reports()) _exit(kReported);
  if (current >= 0 && passed > limit()) _exit(kEndless);
}

class Listener : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo& info) override {
    running_test = info.name();
    std::ranges::fill(reached, false);
    if (std::ranges::count(alive, true) == 0) _exit(0);
    testing_now = true;
  }
  void OnTestEnd(const testing::TestInfo& info) override {
    testing_now = false;
    if (current >= 0)
      _exit(simt::reports() ? kReported : info.result()->Failed() ? kWrong : kAlive);
    if (simt::reports() || info.result()->Failed()) {  // says nothing of mutants
      write_log({{"broken", running_test}});
      _exit(1);
    }
    for (const auto& [number, passed_then] : endless)
      if (passed_then > 10 * most) kill_mutant(number, "endless");  // else the test itself is long
    endless.clear();
    write_log({{"test", running_test}, {"reached", std::ranges::count(reached, true)}});
  }
};

}  // namespace

int mutant::chosen(int first, int count) {
  if (!testing_now) return -1;
  if (current < 0) try_mutants(first, count);
  pass();
  return current >= first && current < first + count ? current - first : -1;
}

int main(int argc, char** argv) {
  setenv("CAIRN_TEST_DEVICE", "cuda", 1);
  setenv("CAIRN_CUDA_BLOCKS", "2", 1);  // so that loops over tiles go round
  testing::InitGoogleTest(&argc, argv);
  if (argc < 4) return std::fprintf(stderr, "usage: cairn_mutants MUTANTS LOG FOLDER...\n"), 2;
  alive.resize(kMutants), reached.resize(kMutants);
  std::ifstream numbers(argv[1]);
  for (size_t number; numbers >> number;) alive.at(number) = true;
  log_path = argv[2];
  const std::string done = read_log(), tests = tests_of(std::span(argv + 3, argv + argc));
  GTEST_FLAG_SET(filter, tests + "-" + kIdle + done);
  cairn::register_op_suite();
  testing::UnitTest::GetInstance()->listeners().Append(new Listener);
  return RUN_ALL_TESTS();
}
