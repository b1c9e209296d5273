// What the command shows people: human numbers, aligned tables and a progress bar.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cairn {

bool is_terminal(std::FILE* stream);
/// A terminal that can move its cursor, and neither NO_COLOR nor TERM=dumb is set.
bool colours_allowed(std::FILE* stream);
/// Columns of the terminal behind `stream`; 80 where there is none.
int terminal_width(std::FILE* stream);

enum class Style { bold, dim, red, green, yellow };
/// The text in that style where `stream` allows colours, else the text alone.
std::string styled(std::string_view text, Style style, std::FILE* stream);

/// Columns that UTF-8 text takes: one a code point.
size_t display_width(std::string_view text);

/// "512 B", "12.3 MB": units of 1000.
std::string human_bytes(uint64_t bytes);
/// "42ms", "2.2s", "59s", "1m 05s", "2h 03m", "3d 04h"; "?" for what is negative or not finite.
std::string human_duration(double seconds);
/// "78,123".
std::string human_count(int64_t count);

/// Plain text columns, two spaces apart, numbers to the right.
class Table {
 public:
  enum class Align { left, right };
  struct Column {
    std::string title;
    Align align = Align::left;
  };

  /// The heading is left out where every title is empty.
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// Missing cells are empty; an Error where there are more cells than columns.
  void add_row(std::vector<std::string> cells);
  /// One line a row, each ended by '\n', without trailing spaces.
  std::string text() const;
  void print(std::FILE* stream) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// The text of a progress bar in less than `width` columns: label, bar and percentage (or a spinner
/// at its `tick`th position where the fraction is unknown), free text. The bar gives way first,
/// then the free text. Blocks of Unicode where `unicode`, else ASCII.
std::string progress_line(std::string_view label, std::optional<double> fraction,
                          std::string_view right, int width, int tick, bool unicode);

/// A line on stderr that redraws itself at most ten times a second. Draws nothing at all where
/// stderr is no terminal, or quiet was asked for. For one thread.
class ProgressBar {
 public:
  ProgressBar(std::string label, bool quiet);
  /// Clears the line unless finish() came before.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// True where the next update would draw: ask before composing costly text.
  bool due() const;
  /// Fraction in [0, 1]; without one a spinner turns. `right` is free text (loss, images/s, time
  /// left).
  void update(std::optional<double> fraction, std::string_view right);
  /// Takes the line away, to let other text be printed; the next update brings it back.
  void clear();
  /// Draws a last time and leaves the line on the screen.
  void finish(std::optional<double> fraction, std::string_view right);

 private:
  void draw(std::optional<double> fraction, std::string_view right);

  std::string label_;
  bool active_;
  bool drawn_ = false;
  int tick_ = 0;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace cairn
