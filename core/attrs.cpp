#include "core/attrs.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"

namespace cairn {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t end = text.find(separator);
    if (end != 0) parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return parts;
}

double parse_value(const AttrDef& def, std::string_view text, std::string_view owner) {
  for (size_t i = 0; i < def.choices.size(); ++i)
    if (def.choices[i] == text) return static_cast<double>(i);
  if (def.type == AttrType::choice)
    fail(fmt::format("{}: {}={} is none of {}", owner, def.name, text,
                     fmt::join(def.choices, ", ")));
  if (def.type == AttrType::flag && (text == "true" || text == "false")) return text == "true";
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    fail(fmt::format("{}: {}={} is no number", owner, def.name, text));
  return value;
}

void check(const AttrDef& def, double value, std::string_view owner) {
  if (!(value >= def.min && value <= def.max))
    fail(fmt::format("{}: {}={} is out of range", owner, def.name, value),
         fmt::format("it must lie between {} and {}", def.min, def.max));
  if (def.type != AttrType::real && value != std::floor(value))
    fail(fmt::format("{}: {}={} must be a whole number", owner, def.name, value));
}

}  // namespace

Attrs::Attrs(std::span<const AttrDef> schema) : schema_(schema) {
  for (size_t i = 0; i < schema.size(); ++i) {
    values_[i].fill(schema[i].initial);
    sizes_[i] = schema[i].list ? 0 : schema[i].count;
  }
}

Attrs& Attrs::set(std::string_view name, std::span<const double> values, std::string_view owner) {
  for (size_t i = 0; i < schema_.size(); ++i) {
    const AttrDef& def = schema_[i];
    if (def.name != name) continue;
    if (values.size() < size_t{!def.list} || values.size() > static_cast<size_t>(def.count))
      fail(fmt::format("{}: {} takes {} to {} values, got {}", owner, name, def.list ? 0 : 1,
                       def.count, values.size()));
    for (const double value : values) check(def, value, owner);
    values_[i].fill(def.list ? def.initial : values.back());
    std::ranges::copy(values, values_[i].begin());
    if (def.list) sizes_[i] = static_cast<int>(values.size());
    return *this;
  }
  std::vector<std::string_view> known;
  for (const AttrDef& def : schema_) known.push_back(def.name);
  fail(fmt::format("{} has no attribute '{}'", owner, name),
       known.empty() ? "it takes none" : fmt::format("it takes {}", fmt::join(known, ", ")));
}

Attrs Attrs::parse(std::span<const AttrDef> schema, std::string_view text, std::string_view owner) {
  Attrs attrs(schema);
  for (const std::string_view item : split(text, ' ')) {
    const size_t equals = item.find('=');
    if (equals == std::string_view::npos)
      fail(fmt::format("{}: '{}' is no attribute", owner, item), "write name=value");
    const std::string_view name = item.substr(0, equals);
    std::vector<double> values;
    for (const AttrDef& def : schema)
      if (def.name == name)
        for (const std::string_view value : split(item.substr(equals + 1), ','))
          values.push_back(parse_value(def, value, owner));
    attrs.set(name, values, owner);
  }
  return attrs;
}

bool Attrs::is_default(std::string_view name) const {
  for (size_t i = 0; i < schema_.size(); ++i)
    if (schema_[i].name == name)
      return !(schema_[i].list && sizes_[i] > 0) &&
             std::ranges::all_of(values_[i], [&](double v) { return v == schema_[i].initial; });
  return false;
}

std::string Attrs::to_string() const {
  std::vector<std::string> items;
  for (size_t i = 0; i < schema_.size(); ++i) {
    const AttrDef& def = schema_[i];
    items.push_back(
        def.type == AttrType::choice
            ? fmt::format("{}={}", def.name, def.choices[static_cast<size_t>(values_[i][0])])
            : fmt::format("{}={}", def.name, fmt::join(values(static_cast<int>(i)), ",")));
  }
  return fmt::format("{}", fmt::join(items, " "));
}

}  // namespace cairn
