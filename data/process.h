// Child processes, run without a shell.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace cairn {

struct ProcessSettings {
  std::filesystem::path directory;  // in which it runs
  std::filesystem::path log;        // takes its output and errors
  double timeout_s = 600.0;
};

/// How a process ended: by itself, by a signal, or stopped at its time limit.
struct ProcessEnd {
  int exit_code = 0;
  int signal = 0;
  bool timed_out = false;
  bool ok() const { return exit_code == 0 && signal == 0 && !timed_out; }
};

/// "exit code 1", "killed by signal 9", "gave no answer in time".
std::string to_string(const ProcessEnd& end);

/// True where the PATH has an executable file of that name.
bool on_path(const std::string& program);

/// Runs argv[0], looked up on the PATH, with an empty standard input and in this process's group,
/// so that Ctrl-C in a terminal reaches it too. Calls `tick` about twenty times a second; whatever
/// tick throws passes through after the child is gone. An Error where the program can't be started.
ProcessEnd run_process(const std::vector<std::string>& argv, const ProcessSettings& settings,
                       const std::function<void()>& tick);

}  // namespace cairn
