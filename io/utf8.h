// Strings of JSON: UTF-8, checked, with and without escapes (RFC 8259, RFC 3629).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cairn {

/// Whether the bytes are UTF-8: no stray or missing bytes, no overlong forms, no surrogates,
/// nothing above U+10FFFF.
bool is_utf8(std::string_view text);

/// What stands between the quotes of a JSON string, without its escapes; none where it isn't valid.
std::optional<std::string> unescaped_json(std::string_view raw);

/// The text in quotes, as JSON has it. An Error where it isn't UTF-8.
std::string quoted_json(std::string_view text);

/// The text in quotes for a message: control characters and bytes that aren't UTF-8 are escaped,
/// and what is longer than 80 bytes is cut.
std::string quoted_name(std::string_view text);

}  // namespace cairn
