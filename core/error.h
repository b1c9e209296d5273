// How Cairn reports broken contracts and failed calls.
#pragma once

#include <exception>
#include <string>

namespace cairn {

/// The place of a call. clang 14 has no std::source_location, so this stands in for it.
struct SourceLocation {
  const char* file = "";
  int line = 0;

  static constexpr SourceLocation current(const char* file = __builtin_FILE(),
                                          int line = __builtin_LINE()) {
    return {file, line};
  }
};

/// A broken contract or a failed call: what went wrong, where, and what to do about it.
class Error : public std::exception {
 public:
  Error(std::string what, std::string hint, SourceLocation where)
      : what_(std::move(what)), hint_(std::move(hint)), where_(where) {}

  const char* what() const noexcept override { return what_.c_str(); }
  /// What the reader can do about it; may be empty.
  const std::string& hint() const noexcept { return hint_; }
  SourceLocation where() const noexcept { return where_; }

 private:
  std::string what_;
  std::string hint_;
  SourceLocation where_;
};

/// The command line or a setting was wrong: the command exits with 2 instead of 1.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// An allocation that failed.
class OutOfMemory : public Error {
 public:
  using Error::Error;
};

[[noreturn]] void fail(std::string what, std::string hint = {},
                       SourceLocation where = SourceLocation::current());
[[noreturn]] void fail_usage(std::string what, std::string hint = {},
                             SourceLocation where = SourceLocation::current());

/// The candidate nearest to `word` by edit distance, or an empty string where none is near: within
/// 3 edits, and half of the word's letters. For "did you mean" hints.
template <class Range>
std::string nearest_name(const std::string& word, const Range& candidates);
int edit_distance(const std::string& a, const std::string& b);

template <class Range>
std::string nearest_name(const std::string& word, const Range& candidates) {
  std::string best;
  int best_distance = 4;
  for (const auto& candidate : candidates) {
    const std::string name(candidate);
    const int distance = edit_distance(word, name);
    if (distance < best_distance && distance * 2 <= static_cast<int>(word.size()) + 1) {
      best_distance = distance;
      best = name;
    }
  }
  return best;
}

}  // namespace cairn
