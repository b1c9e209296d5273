// The command line: commands, options and their help, declared as data.
//
// CLI11 splits the words of a command line; it is included by args.cpp alone because it compiles
// slowly. A subcommand binds its options to variables and gives a function:
//
//   auto& eval = args.command("eval", "Measure a trained run", {{"cairn eval runs/first", ""}});
//   eval.positional("RUN", options->run, "folder of the run");
//   eval.option("--batch", options->batch, "examples at a time", "N").at_least(1);
//   eval.run([options] { return evaluate(*options); });
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace cairn {

struct Example {
  std::string line;
  std::string says;
};

/// One option, flag or positional argument, bound to a variable that must outlive CommandLine::run.
/// The variable keeps its value, the default, where the argument isn't given; the last one counts
/// where it is given twice; a std::vector collects all.
class Option {
 public:
  using Target =
      std::variant<bool*, int64_t*, uint64_t*, double*, std::string*, std::optional<int64_t>*,
                   std::optional<uint64_t>*, std::optional<double>*, std::optional<std::string>*,
                   std::vector<std::string>*>;

  Option(std::string name, Target target, std::string help, std::string placeholder)
      : name(std::move(name)),
        help(std::move(help)),
        placeholder(std::move(placeholder)),
        target(target) {}

  Option& required() {
    is_required = true;
    return *this;
  }
  Option& choices(std::vector<std::string> values) {
    allowed = std::move(values);
    return *this;
  }
  /// Limits of a number, both allowed.
  Option& range(double lowest, double highest) {
    low = lowest;
    high = highest;
    return *this;
  }
  Option& at_least(double lowest) {
    low = lowest;
    return *this;
  }
  /// A number above zero.
  Option& positive() {
    low = 0;
    is_low_allowed = false;
    return *this;
  }
  /// Refuses both in one command line.
  Option& excludes(std::string other) {
    excluded.push_back(std::move(other));
    return *this;
  }

  bool is_positional() const { return name[0] != '-'; }
  bool is_flag() const { return std::holds_alternative<bool*>(target); }
  bool is_repeated() const { return std::holds_alternative<std::vector<std::string>*>(target); }

  std::string name;  // "--batch", "-b,--batch", "MODEL"
  std::string help;
  std::string placeholder;
  Target target;
  bool is_required = false;
  std::vector<std::string> allowed;
  std::vector<std::string> excluded;
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool is_low_allowed = true;
};

/// A command: its arguments, its subcommands, and what it does.
class Command {
 public:
  /// `path` is what people type: "cairn data fetch".
  Command(std::string path, std::string name, std::string summary, std::vector<Example> examples)
      : path(std::move(path)),
        name(std::move(name)),
        summary(std::move(summary)),
        examples(std::move(examples)) {}
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  Command& command(std::string name, std::string summary, std::vector<Example> examples = {});

  /// `name` starts with "--"; `value` has a type of Option::Target. References stay valid.
  template <class T>
  Option& option(std::string name, T& value, std::string help, std::string placeholder) {
    return options.emplace_back(std::move(name), &value, std::move(help), std::move(placeholder));
  }
  Option& flag(std::string name, bool& value, std::string help) {
    return options.emplace_back(std::move(name), &value, std::move(help), "");
  }
  /// `name` in capitals. Positional arguments are optional unless required().
  template <class T>
  Option& positional(std::string name, T& value, std::string help) {
    return options.emplace_back(std::move(name), &value, std::move(help), "");
  }

  /// Called after all variables are set; the result is the exit code.
  void run(std::function<int()> function) { action = std::move(function); }

  std::string path;
  std::string name;
  std::string summary;
  std::vector<Example> examples;
  std::deque<Option> options;
  std::vector<std::unique_ptr<Command>> commands;
  std::function<int()> action;
};

/// The whole command line. Every command has --help, the program --version too.
class CommandLine {
 public:
  /// `first` is what a newcomer should type; each works as it stands, one after the other.
  CommandLine(std::string name, std::string version, std::string summary,
              std::vector<Example> first)
      : version_(std::move(version)), root_(name, name, std::move(summary), std::move(first)) {}

  Command& command(std::string name, std::string summary, std::vector<Example> examples = {}) {
    return root_.command(std::move(name), std::move(summary), std::move(examples));
  }

  /// Reads the command line and runs the command that it names. Returns the exit code: that of the
  /// command; 0 after help, version or, without arguments, the welcome (all on stdout); 2 after
  /// wrong usage and 1 after any other exception, each told on stderr with what to do about it.
  int run(int argc, const char* const* argv) const;

 private:
  std::string version_;
  Command root_;
};

/// Usage, arguments with defaults and limits, subcommands and examples, wrapped to `width` columns.
std::string help_text(const Command& command, int width);

/// The examples of `root` as the first steps of a newcomer, and where to read on.
std::string welcome_text(const Command& root, const std::string& version);

}  // namespace cairn
