#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "apps/args.h"
#include "apps/terminal.h"

namespace cairn {
namespace {

struct Row {
  std::string left;
  std::string right;
};

std::string default_of(const Option& option) {
  return std::visit(
      [](const auto* value) -> std::string {
        using T = std::remove_cvref_t<decltype(*value)>;
        if constexpr (std::is_same_v<T, std::string>) {
          return *value;
        } else if constexpr (std::is_same_v<T, double> || std::is_same_v<T, int64_t> ||
                             std::is_same_v<T, uint64_t>) {
          return fmt::to_string(*value);
        } else {
          return {};
        }
      },
      option.target);
}

std::string limits_of(const Option& option) {
  if (std::isfinite(option.high)) return fmt::format("{} to {}", option.low, option.high);
  if (!std::isfinite(option.low)) return {};
  return fmt::format("{} {}", option.is_low_allowed ? "at least" : "above", option.low);
}

std::string describe(const Option& option) {
  std::vector<std::string> notes;
  if (!option.allowed.empty()) notes.push_back(fmt::format("{}", fmt::join(option.allowed, "|")));
  if (const std::string limits = limits_of(option); !limits.empty()) notes.push_back(limits);
  const std::string value = option.is_required ? "" : default_of(option);
  if (!value.empty()) notes.push_back("default " + value);
  if (option.is_required && !option.is_positional()) notes.push_back("required");
  if (option.is_repeated() && !option.is_positional()) notes.push_back("may be repeated");
  if (notes.empty()) return option.help;
  return fmt::format("{} ({})", option.help, fmt::join(notes, "; "));
}

std::string names_of(const Option& option) {
  std::string names = option.name;
  if (const size_t comma = names.find(','); comma != names.npos) names.insert(comma + 1, " ");
  return option.placeholder.empty() ? names : names + " " + option.placeholder;
}

std::string usage_of(const Command& command) {
  std::string usage = "Usage: " + command.path;
  if (!command.commands.empty()) usage += " COMMAND";
  for (const Option& option : command.options) {
    if (!option.is_positional()) continue;
    const std::string name = option.name + (option.is_repeated() ? "..." : "");
    usage += option.is_required ? " " + name : " [" + name + "]";
  }
  return usage + " [options]\n";
}

/// Words broken into lines, all but the first indented.
std::string wrapped(const std::string& text, size_t indent, size_t width) {
  std::string out;
  size_t column = indent;
  size_t at = 0;
  while (at < text.size()) {
    const size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    const size_t length = display_width(word);
    if (column > indent && column + 1 + length > width) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += length;
    at = end + 1;
  }
  return out;
}

std::string section(const std::string& title, const std::vector<Row>& rows, int width) {
  if (rows.empty()) return {};
  constexpr size_t kMaxLeft = 28;
  size_t left = 0;
  for (const Row& row : rows) {
    if (row.left.size() <= kMaxLeft) left = std::max(left, row.left.size());
  }
  const size_t indent = left + 4;
  const size_t columns = std::max(static_cast<size_t>(std::max(width, 0)), indent + 20);
  std::string out = "\n" + title + ":\n";
  for (const Row& row : rows) {
    out += "  " + row.left;
    out += row.left.size() <= left ? std::string(left - row.left.size() + 2, ' ')
                                   : "\n" + std::string(indent, ' ');
    out += wrapped(row.right, indent, columns) + "\n";
  }
  return out;
}

std::string lines_of(const std::vector<Example>& examples) {
  std::string out;
  for (const Example& example : examples) {
    out += "  " + example.line + "\n";
    if (!example.says.empty()) out += "      " + example.says + "\n";
  }
  return out;
}

}  // namespace

std::string help_text(const Command& command, int width) {
  std::vector<Row> arguments;
  std::vector<Row> options;
  for (const Option& option : command.options) {
    (option.is_positional() ? arguments : options).push_back({names_of(option), describe(option)});
  }
  options.push_back({"-h, --help", "show this text"});
  const bool is_root = command.path == command.name;
  if (is_root) options.push_back({"--version", "show the version"});
  std::vector<Row> commands;
  std::vector<Example> examples;
  if (!is_root) examples = command.examples;
  for (const auto& child : command.commands) {
    commands.push_back({child->name, child->summary});
    if (!child->examples.empty() && (is_root || command.examples.empty()))
      examples.push_back(child->examples.front());
  }
  std::string out = usage_of(command) + "\n" + command.summary + "\n";
  out += section("Arguments", arguments, width);
  out += section("Commands", commands, width);
  out += section("Options", options, width);
  if (!examples.empty()) out += "\nExamples:\n" + lines_of(examples);
  if (!commands.empty()) out += fmt::format("\n\"{} COMMAND --help\" says more.\n", command.path);
  return out;
}

std::string welcome_text(const Command& root, const std::string& version) {
  std::string out = fmt::format("{} {}: {}\n\nStart here:\n", root.name, version, root.summary);
  out += lines_of(root.examples);
  return out + fmt::format("\n\"{} --help\" lists all commands.\n", root.path);
}

}  // namespace cairn
