// Attributes of an op: a schema in the op's row, checked values in a node.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace cairn {

enum class AttrType : uint8_t { integer, real, flag, choice };

constexpr int kMaxAttrs = 12;
constexpr int kMaxAttrValues = 16;  // of pad: two a dimension

/// One attribute. Names and defaults are PyTorch's where PyTorch has the attribute.
struct AttrDef {
  std::string_view name;
  AttrType type = AttrType::integer;
  double initial = 0;  // the default; for a choice its index
  double min = 0;
  double max = 0;
  int count = 1;      // numbers it holds: 2 for a (height, width) pair
  bool list = false;  // it holds up to `count` of them, none by default
  std::span<const std::string_view> choices = {};
};

/// Values for a schema, in the schema's order, so that kernels read them by index. A value of a
/// `count` of several that is given once holds for all; a list has as many as are given.
class Attrs {
 public:
  Attrs() = default;
  /// The schema's defaults.
  explicit Attrs(std::span<const AttrDef> schema);

  /// From text: "stride=2,1 padding=1 reduction=mean". An Error names the attribute that is
  /// unknown, out of its range or unreadable; `owner` is the op's name for that message.
  static Attrs parse(std::span<const AttrDef> schema, std::string_view text,
                     std::string_view owner);

  /// Sets the attribute of that name; same errors as parse.
  Attrs& set(std::string_view name, std::span<const double> values,
             std::string_view owner = "an op");
  Attrs& set(std::string_view name, double value) { return set(name, std::span(&value, 1)); }

  int64_t integer(int index, int k = 0) const { return static_cast<int64_t>(real(index, k)); }
  double real(int index, int k = 0) const {
    return values_[static_cast<size_t>(index)][static_cast<size_t>(k)];
  }
  /// Values of a list; else the schema's count.
  int size(int index) const { return sizes_[static_cast<size_t>(index)]; }
  std::span<const double> values(int index) const {
    return std::span(values_[static_cast<size_t>(index)]).first(static_cast<size_t>(size(index)));
  }
  /// Whether the attribute of that name has its default; false where there is none of that name.
  bool is_default(std::string_view name) const;
  bool flag(int index) const { return real(index) != 0; }

  /// "stride=2,1 padding=1": all of them, readable by parse.
  std::string to_string() const;
  bool operator==(const Attrs& other) const {
    return sizes_ == other.sizes_ && values_ == other.values_;
  }

 private:
  std::span<const AttrDef> schema_;
  std::array<std::array<double, kMaxAttrValues>, kMaxAttrs> values_{};
  std::array<int, kMaxAttrs> sizes_{};
};

}  // namespace cairn
