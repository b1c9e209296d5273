#include "apps/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "core/error.h"

namespace cairn {
namespace {

constexpr auto kRedrawInterval = std::chrono::milliseconds(100);
constexpr const char* kClearLine = "\r\x1b[K";

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

bool can_move_cursor(std::FILE* stream) {
  const std::string_view term = environment("TERM");
  return is_terminal(stream) && !term.empty() && term != "dumb";
}

bool speaks_unicode() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string_view value = environment(name);
    if (!value.empty()) {
      return value.find("UTF-8") != value.npos || value.find("utf8") != value.npos;
    }
  }
  return false;
}

/// The first `columns` code points.
std::string_view shortened(std::string_view text, size_t columns) {
  size_t end = 0;
  for (size_t seen = 0; end < text.size(); ++end) {
    const bool starts = (static_cast<unsigned char>(text[end]) & 0xC0) != 0x80;
    if (starts && seen++ == columns) break;
  }
  return text.substr(0, end);
}

std::string repeated(std::string_view glyph, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += glyph;
  return text;
}

}  // namespace

bool is_terminal(std::FILE* stream) { return ::isatty(::fileno(stream)) == 1; }

bool colours_allowed(std::FILE* stream) {
  return can_move_cursor(stream) && environment("NO_COLOR").empty();
}

int terminal_width(std::FILE* stream) {
  winsize size{};
  const bool known = ::ioctl(::fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

std::string styled(std::string_view text, Style style, std::FILE* stream) {
  if (!colours_allowed(stream)) return std::string(text);
  constexpr std::array<int, 5> kCodes = {1, 2, 31, 32, 33};
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes[static_cast<size_t>(style)], text);
}

size_t display_width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string human_bytes(uint64_t bytes) {
  constexpr std::array kUnits = {"kB", "MB", "GB", "TB", "PB"};
  if (bytes < 1000) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1000;
  size_t unit = 0;
  while (value >= 999.95 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string human_duration(double seconds) {
  if (!(seconds >= 0) || !std::isfinite(seconds) || seconds > 1e12) return "?";
  if (seconds < 0.9995) return fmt::format("{}ms", std::llround(seconds * 1000));
  if (seconds < 9.95) return fmt::format("{:.1f}s", seconds);
  const long long s = std::llround(seconds);
  if (s < 60) return fmt::format("{}s", s);
  if (s < 3600) return fmt::format("{}m {:02}s", s / 60, s % 60);
  const long long m = s / 60;
  if (m < 24 * 60) return fmt::format("{}h {:02}m", m / 60, m % 60);
  return fmt::format("{}d {:02}h", m / 60 / 24, m / 60 % 24);
}

std::string human_count(int64_t count) {
  std::string text = fmt::to_string(count);
  const size_t first = count < 0 ? 1 : 0;
  for (size_t at = text.size(); at > first + 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

void Table::add_row(std::vector<std::string> cells) {
  if (cells.size() > columns_.size()) {
    fail(fmt::format("a table of {} columns was given a row of {} cells", columns_.size(),
                     cells.size()),
         "give the table more columns");
  }
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  std::vector<std::vector<std::string>> rows = rows_;
  const bool titled =
      std::any_of(titles.begin(), titles.end(), [](const auto& title) { return !title.empty(); });
  if (titled) rows.insert(rows.begin(), titles);

  std::vector<size_t> widths(columns_.size(), 0);
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - display_width(row[i]), ' ');
      if (i > 0) line += "  ";
      line += columns_[i].align == Align::right ? space + row[i] : row[i] + space;
    }
    line.resize(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

void Table::print(std::FILE* stream) const { std::fputs(text().c_str(), stream); }

std::string progress_line(std::string_view label, std::optional<double> fraction,
                          std::string_view right, int width, int tick, bool unicode) {
  constexpr size_t kMaxBar = 30;
  constexpr size_t kMinBar = 5;
  const size_t room = static_cast<size_t>(std::max(width - 1, 0));
  std::string line(label);
  if (!fraction) {
    line += fmt::format(" {}", "|/-\\"[tick % 4]);
  } else {
    const double done = std::clamp(*fraction, 0.0, 1.0);
    const std::string percent = fmt::format("{:3}%", static_cast<int>(done * 100));
    const size_t text = right.empty() ? 0 : display_width(right) + 2;
    const size_t taken = display_width(label) + 1 + 1 + percent.size() + text;
    const size_t bar = std::min(room > taken ? room - taken : 0, kMaxBar);
    if (bar >= kMinBar) {
      const size_t full = static_cast<size_t>(done * static_cast<double>(bar));
      line += ' ' + repeated(unicode ? "█" : "#", full) + repeated(unicode ? "░" : ".", bar - full);
    }
    line += ' ' + percent;
  }
  if (!right.empty()) line += fmt::format("  {}", right);
  return std::string(shortened(line, room));
}

ProgressBar::ProgressBar(std::string label, bool quiet)
    : label_(std::move(label)), active_(!quiet && can_move_cursor(stderr)) {}

ProgressBar::~ProgressBar() { clear(); }

bool ProgressBar::due() const { return active_ && std::chrono::steady_clock::now() >= next_; }

void ProgressBar::update(std::optional<double> fraction, std::string_view right) {
  if (!due()) return;
  draw(fraction, right);
  next_ = std::chrono::steady_clock::now() + kRedrawInterval;
}

void ProgressBar::clear() {
  if (drawn_) {
    std::fputs(kClearLine, stderr);
    std::fflush(stderr);
  }
  drawn_ = false;
  next_ = {};
}

void ProgressBar::finish(std::optional<double> fraction, std::string_view right) {
  if (!active_) return;
  draw(fraction, right);
  std::fputc('\n', stderr);
  drawn_ = false;
  active_ = false;
}

void ProgressBar::draw(std::optional<double> fraction, std::string_view right) {
  const std::string line =
      progress_line(label_, fraction, right, terminal_width(stderr), tick_++, speaks_unicode());
  fmt::print(stderr, "{}{}", kClearLine, line);
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace cairn
