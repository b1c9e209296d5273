#include "data/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <thread>

#include "core/error.h"

extern char** environ;

namespace cairn {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kChildPoll = std::chrono::milliseconds(10);
constexpr int kPollsPerTick = 5;
constexpr auto kGrace = std::chrono::milliseconds(500);

// A running child; the destructor ends and reaps it, politely first.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (reaped_) return;
    kill(pid_, SIGTERM);
    const auto deadline = Clock::now() + kGrace;
    while (!poll()) {
      if (Clock::now() > deadline) kill(pid_, SIGKILL);
      std::this_thread::sleep_for(kChildPoll);
    }
  }

  /// True once it has ended.
  bool poll() {
    if (!reaped_) reaped_ = waitpid(pid_, &status_, WNOHANG) != 0;
    return reaped_;
  }
  int status() const { return status_; }

 private:
  pid_t pid_;
  int status_ = 0;
  bool reaped_ = false;
};

pid_t spawn(const std::vector<std::string>& argv, const ProcessSettings& settings) {
  std::vector<char*> arguments;
  for (const std::string& argument : argv) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, settings.log.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  posix_spawn_file_actions_addchdir_np(&actions, settings.directory.c_str());
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    fail(fmt::format("{} cannot be started: {}", argv[0], std::strerror(error)),
         fmt::format("check that {} is installed", argv[0]));
  }
  return pid;
}

}  // namespace

std::string to_string(const ProcessEnd& end) {
  if (end.timed_out) return "gave no answer in time";
  if (end.signal != 0) return fmt::format("killed by signal {}", end.signal);
  return fmt::format("exit code {}", end.exit_code);
}

bool on_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream directories(path ? path : "");
  for (std::string directory; std::getline(directories, directory, ':');) {
    const std::filesystem::path file = std::filesystem::path(directory) / program;
    std::error_code unreadable;
    if (std::filesystem::is_regular_file(file, unreadable) && access(file.c_str(), X_OK) == 0) {
      return true;
    }
  }
  return false;
}

ProcessEnd run_process(const std::vector<std::string>& argv, const ProcessSettings& settings,
                       const std::function<void()>& tick) {
  const auto deadline = Clock::now() + std::chrono::duration<double>(settings.timeout_s);
  Child child(spawn(argv, settings));
  for (int polls = 0; !child.poll(); ++polls) {
    if (polls % kPollsPerTick == 0) tick();
    if (Clock::now() > deadline) return {.timed_out = true};
    std::this_thread::sleep_for(kChildPoll);
  }
  tick();
  const int status = child.status();
  if (WIFSIGNALED(status)) return {.signal = WTERMSIG(status)};
  return {.exit_code = WEXITSTATUS(status)};
}

}  // namespace cairn
