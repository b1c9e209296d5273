#include "io/utf8.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>

#include "core/error.h"

namespace cairn {
namespace {

/// Bytes of the character that `text` begins with; 0 where there is none.
size_t character_bytes(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  for (size_t i = 1; i < size; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  const uint8_t second = byte(1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second > 0x9f;
  const bool beyond = first == 0xf4 && second > 0x8f;
  return overlong || surrogate || beyond ? 0 : size;
}

void append_character(std::string& to, uint32_t code) {
  const auto tail = [&](int shift) { to += static_cast<char>(0x80 | ((code >> shift) & 0x3f)); };
  if (code < 0x80) {
    to += static_cast<char>(code);
  } else if (code < 0x800) {
    to += static_cast<char>(0xc0 | (code >> 6)), tail(0);
  } else if (code < 0x10000) {
    to += static_cast<char>(0xe0 | (code >> 12)), tail(6), tail(0);
  } else {
    to += static_cast<char>(0xf0 | (code >> 18)), tail(12), tail(6), tail(0);
  }
}

/// The number of the four hexadecimal digits that `raw` begins with.
std::optional<uint32_t> four_digits(std::string_view raw) {
  uint32_t value = 0;
  if (raw.size() < 4) return {};
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + 4, value, 16);
  if (error != std::errc() || end != raw.data() + 4) return {};
  return value;
}

/// Appends what "\uXXXX" (raw begins after the u), perhaps with its low surrogate, stands for;
/// returns the bytes read, 0 where it isn't valid.
size_t append_code(std::string& to, std::string_view raw) {
  const std::optional<uint32_t> high = four_digits(raw);
  if (!high || (*high >= 0xdc00 && *high < 0xe000)) return 0;
  if (*high < 0xd800 || *high >= 0xe000) return append_character(to, *high), 4;
  if (!raw.substr(4).starts_with("\\u")) return 0;
  const std::optional<uint32_t> low = four_digits(raw.substr(6));
  if (!low || *low < 0xdc00 || *low >= 0xe000) return 0;
  append_character(to, 0x10000 + ((*high - 0xd800) << 10) + (*low - 0xdc00));
  return 10;
}

void append_escaped(std::string& to, char c) {
  if (c == '"' || c == '\\')
    to += '\\', to += c;
  else if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f)
    to += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
  else
    to += c;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t size = character_bytes(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::optional<std::string> unescaped_json(std::string_view raw) {
  constexpr std::string_view kEscapes = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
  if (!is_utf8(raw)) return {};
  std::string text;
  text.reserve(raw.size());
  while (!raw.empty()) {
    const char c = raw[0];
    if (static_cast<uint8_t>(c) < 0x20) return {};
    raw.remove_prefix(1);
    if (c != '\\') {
      text += c;
      continue;
    }
    if (raw.empty()) return {};
    const char escape = raw[0];
    raw.remove_prefix(1);
    if (const size_t meaning = kEscapes.find(escape); meaning != kEscapes.npos) {
      text += kMeanings[meaning];
      continue;
    }
    const size_t read = escape == 'u' ? append_code(text, raw) : 0;
    if (read == 0) return {};
    raw.remove_prefix(read);
  }
  return text;
}

std::string quoted_json(std::string_view text) {
  if (!is_utf8(text))
    fail(fmt::format("the name {} isn't UTF-8", quoted_name(text)), "choose another name");
  std::string quoted = "\"";
  for (const char c : text) append_escaped(quoted, c);
  return quoted + '"';
}

std::string quoted_name(std::string_view text) {
  constexpr size_t kShown = 80;
  std::string quoted = "\"";
  while (!text.empty() && quoted.size() < kShown) {
    const size_t size = character_bytes(text);
    if (size <= 1 && size > 0)
      append_escaped(quoted, text[0]);
    else if (size == 0)
      quoted += fmt::format("\\x{:02x}", static_cast<uint8_t>(text[0]));
    else
      quoted += text.substr(0, size);
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return quoted + (text.empty() ? "\"" : "...\"");
}

}  // namespace cairn
