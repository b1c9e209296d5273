#include "apps/args.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <type_traits>

#include "apps/terminal.h"
#include "core/error.h"

namespace cairn {
namespace {

constexpr const char* kHelp = "-h,--help";
constexpr const char* kVersion = "--version";

/// The command tree as CLI11 knows it. CLI11 only splits the words; values, limits and messages are
/// handled here, after the unknown words are reported, so that a typo is named before its
/// consequences.
struct Mirror {
  std::map<const Option*, CLI::Option*> options;
  std::map<const CLI::App*, const Command*> commands;
};

void mirror(const Command& command, CLI::App& app, Mirror& all) {
  all.commands[&app] = &command;
  app.set_help_flag("");
  app.add_flag(kHelp);
  app.allow_extras();
  app.require_subcommand(0, 1);
  for (const Option& option : command.options) {
    if (option.is_flag()) {
      all.options[&option] = app.add_flag(option.name);
      continue;
    }
    CLI::Option* added = app.add_option(option.name, [](const CLI::results_t&) { return true; });
    added->type_name(option.placeholder);
    if (option.is_positional() && option.is_repeated()) added->expected(-1);
    added->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    if (!option.is_positional()) added->allow_extra_args(false);
    all.options[&option] = added;
  }
  for (const auto& child : command.commands) {
    mirror(*child, *app.add_subcommand(child->name, ""), all);
  }
}

/// The commands that were named, outermost first.
std::vector<const CLI::App*> named(const CLI::App& root) {
  std::vector<const CLI::App*> chain = {&root};
  while (!chain.back()->get_subcommands().empty()) {
    chain.push_back(chain.back()->get_subcommands().front());
  }
  return chain;
}

/// The hint that names the nearest candidate, where one is near.
std::string near_miss(const std::string& word, const std::vector<std::string>& candidates) {
  const std::string nearest = nearest_name(word, candidates);
  return nearest.empty() ? "" : fmt::format("did you mean \"{}\"?", nearest);
}

[[noreturn]] void wrong(const Command& command, const std::string& what, std::string hint = {}) {
  if (!hint.empty()) hint += "\n";
  fail_usage(fmt::format("{}: {}", command.path, what),
             fmt::format("{}see \"{} --help\"", hint, command.path));
}

std::vector<std::string> option_names(const Command& command) {
  std::vector<std::string> names = {"--help"};
  if (command.path == command.name) names.emplace_back(kVersion);
  for (const Option& option : command.options) {
    if (option.is_positional()) continue;
    for (const std::string& name : CLI::detail::split(option.name, ',')) names.push_back(name);
  }
  return names;
}

std::vector<std::string> command_names(const Command& command) {
  std::vector<std::string> names;
  for (const auto& child : command.commands) names.push_back(child->name);
  return names;
}

[[noreturn]] void refuse_word(const Command& command, const std::string& word) {
  if (word.size() > 1 && word[0] == '-') {
    const std::string name = word.substr(0, word.find('='));
    wrong(command, fmt::format("unknown option \"{}\"", name),
          near_miss(name, option_names(command)));
  }
  if (command.commands.empty()) wrong(command, fmt::format("unexpected argument \"{}\"", word));
  const std::vector<std::string> names = command_names(command);
  const std::string hint = near_miss(word, names);
  wrong(command, fmt::format("unknown command \"{}\"", word),
        hint.empty() ? fmt::format("the commands are: {}", fmt::join(names, ", ")) : hint);
}

/// What messages call an option: "--batch" rather than "-b,--batch".
std::string long_name(const Option& option) {
  return option.name.substr(option.name.find(',') == std::string::npos ? 0
                                                                       : option.name.find(',') + 1);
}

template <class T>
T number(const Command& command, const Option& option, const std::string& text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  const std::string what = fmt::format("{} \"{}\"", long_name(option), text);
  bool is_number = code == std::errc() && stop == end;
  if constexpr (std::is_same_v<T, double>) is_number = is_number && std::isfinite(value);
  if (code == std::errc::result_out_of_range) wrong(command, what + " is too large or too small");
  if (!is_number) {
    wrong(command, what + (std::is_same_v<T, double>     ? " is not a number"
                           : std::is_same_v<T, uint64_t> ? " is not a whole number of 0 or more"
                                                         : " is not a whole number"));
  }
  const double compared = static_cast<double>(value);
  const bool is_above = option.is_low_allowed ? compared >= option.low : compared > option.low;
  if (!is_above) {
    wrong(command, fmt::format("{} must be {} {}", what,
                               option.is_low_allowed ? "at least" : "above", option.low));
  }
  if (compared > option.high) {
    wrong(command, fmt::format("{} must be at most {}", what, option.high));
  }
  return value;
}

void assign(const Command& command, const Option& option, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    const auto& allowed = option.allowed;
    if (allowed.empty() || std::find(allowed.begin(), allowed.end(), word) != allowed.end()) {
      continue;
    }
    const std::string hint = near_miss(word, allowed);
    wrong(command, fmt::format("{} can't be \"{}\"", long_name(option), word),
          hint.empty() ? fmt::format("choose from: {}", fmt::join(allowed, ", ")) : hint);
  }
  const std::string& last = words.back();
  std::visit(
      [&](auto* target) {
        using T = std::remove_pointer_t<decltype(target)>;
        if constexpr (std::is_same_v<T, bool>) {
          *target = last != "false";
        } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
          *target = words;
        } else if constexpr (std::is_same_v<T, std::string> ||
                             std::is_same_v<T, std::optional<std::string>>) {
          *target = last;
        } else if constexpr (std::is_same_v<T, double> || std::is_same_v<T, int64_t> ||
                             std::is_same_v<T, uint64_t>) {
          *target = number<T>(command, option, last);
        } else {
          *target = number<typename T::value_type>(command, option, last);
        }
      },
      option.target);
}

void assign_all(const Command& command, const Mirror& all) {
  std::vector<std::string> given;
  for (const Option& option : command.options) {
    const std::vector<std::string>& words = all.options.at(&option)->results();
    if (!words.empty()) given.push_back(long_name(option));
    if (!words.empty()) assign(command, option, words);
  }
  for (const Option& option : command.options) {
    const auto is_given = [&](const std::string& name) {
      return std::find(given.begin(), given.end(), name) != given.end();
    };
    const std::string name = long_name(option);
    if (option.is_required && !is_given(name)) {
      wrong(command, fmt::format("{} is missing", name), fmt::format("it is the {}", option.help));
    }
    for (const std::string& other : option.excluded) {
      if (is_given(name) && is_given(other)) {
        wrong(command, fmt::format("{} and {} exclude each other", name, other),
              "give one of them");
      }
    }
  }
}

/// Runs what the words ask for; wrong usage is thrown.
int run_words(const Command& root, const std::string& version, std::vector<std::string> words) {
  if (words.empty()) {
    fmt::print("{}", welcome_text(root, version));
    return 0;
  }
  CLI::App app;
  Mirror all;
  mirror(root, app, all);
  const CLI::Option* version_flag = app.add_flag(kVersion);
  std::reverse(words.begin(), words.end());
  try {
    app.parse(std::move(words));
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string text = error.what();  // "--batch: 1 required N missing"
    wrong(*all.commands.at(named(app).back()), text.substr(0, text.find(':')) + " needs a value");
  } catch (const CLI::ParseError& error) {
    wrong(*all.commands.at(named(app).back()), error.what());
  }
  const std::vector<const CLI::App*> chain = named(app);
  const Command& command = *all.commands.at(chain.back());
  for (const CLI::App* level : chain) {
    if (level->count("--help") == 0) continue;
    fmt::print("{}", help_text(command, std::min(terminal_width(stdout), 100)));
    return 0;
  }
  if (version_flag->count() > 0) {
    fmt::print("{} {}\n", root.name, version);
    return 0;
  }
  for (const CLI::App* level : chain) {
    std::vector<std::string> unknown = level->remaining();
    std::erase(unknown, "--");  // CLI11 obeys the mark and keeps it
    if (!unknown.empty()) refuse_word(*all.commands.at(level), unknown.front());
  }
  if (!command.action) {
    wrong(command, "a command is missing",
          fmt::format("the commands are: {}", fmt::join(command_names(command), ", ")));
  }
  for (const CLI::App* level : chain) assign_all(*all.commands.at(level), all);
  return command.action();
}

int tell(const std::string& what, const std::string& hint, int code) {
  fmt::print(stderr, "{} {}\n", styled("error:", Style::red, stderr), what);
  for (const std::string& line : CLI::detail::split(hint, '\n')) {
    if (!line.empty()) fmt::print(stderr, "  {}\n", line);
  }
  return code;
}

}  // namespace

Command& Command::command(std::string child, std::string says, std::vector<Example> lines) {
  const std::string child_path = path + " " + child;
  return *commands.emplace_back(
      std::make_unique<Command>(child_path, std::move(child), std::move(says), std::move(lines)));
}

int CommandLine::run(int argc, const char* const* argv) const {
  try {
    return run_words(root_, version_,
                     std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
  } catch (const UsageError& error) {
    return tell(error.what(), error.hint(), 2);
  } catch (const Error& error) {
    return tell(error.what(), error.hint(), 1);
  } catch (const std::exception& error) {
    return tell(error.what(), "this is a fault of the program: please report it", 1);
  }
}

}  // namespace cairn
