// JSON values: parse, read and write, with object members kept in order.
//
// The parser is nlohmann-json's SAX interface, which lets duplicate keys be refused; it is included
// by json.cpp alone because it compiles slowly.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace cairn {

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;

  Json() = default;  // null
  Json(bool value) : value_(value) {}
  Json(int value) : value_(int64_t{value}) {}
  Json(int64_t value) : value_(value) {}
  Json(double value) : value_(value) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}

  /// An Error that names `what` (a file name, say), the byte and the reason where the text is no
  /// JSON or an object has a key twice.
  static Json parse(std::string_view text, std::string_view what);
  /// Text with `indent` spaces a level; one line where indent is negative. Doubles are written with
  /// the fewest digits that read back as the same value; NaN and infinities as null.
  std::string dump(int indent = 2) const;

  bool is_null() const { return std::holds_alternative<std::nullptr_t>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_integer() const { return std::holds_alternative<int64_t>(value_); }

  // Typed reads: an Error that says what was found where the type is another. A number reads as
  // int64_t only where it is a whole number.
  bool as_bool() const;
  int64_t as_int() const;
  double as_double() const;
  const std::string& as_string() const;
  const Array& as_array() const;
  const Object& as_object() const;

  /// The member of that name, or nullptr; an Error where this is no object.
  const Json* find(std::string_view key) const;
  /// The member of that name; an Error that names the key where there is none.
  const Json& at(std::string_view key) const;
  /// Appends or replaces a member; null becomes an object first.
  void set(std::string key, Json value);

 private:
  std::variant<std::nullptr_t, bool, int64_t, double, std::string, Array, Object> value_ = nullptr;
};

}  // namespace cairn
