// Shapes: up to eight dimensions, sizes as int64_t, products checked for overflow.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace cairn {

constexpr int kMaxRank = 8;

/// A list of at most kMaxRank sizes, outermost first. Rank 0 is a scalar.
class Shape {
 public:
  constexpr Shape() = default;
  constexpr Shape(std::initializer_list<int64_t> dims)
      : Shape(std::span<const int64_t>(dims.begin(), dims.size())) {}
  constexpr explicit Shape(std::span<const int64_t> dims) {
    if (dims.size() > size_t{kMaxRank}) too_many_dims(dims.size());
    for (const int64_t d : dims) dims_[static_cast<size_t>(rank_++)] = d;
  }

  constexpr int rank() const { return rank_; }
  /// Negative axes count from the end, as in PyTorch.
  constexpr int64_t operator[](int axis) const {
    return dims_[static_cast<size_t>(axis < 0 ? rank_ + axis : axis)];
  }
  constexpr std::span<const int64_t> dims() const {
    return {dims_.data(), static_cast<size_t>(rank_)};
  }
  /// Product of the sizes; an Error where it overflows int64_t or a size is negative.
  int64_t elements() const;
  constexpr bool operator==(const Shape&) const = default;

 private:
  [[noreturn]] static void too_many_dims(size_t rank);

  std::array<int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

/// "(6, 1, 5, 5)"; "()" for a scalar.
std::string to_string(const Shape& shape);

/// a * b, or an Error that names `what` where the product leaves int64_t.
int64_t checked_mul(int64_t a, int64_t b, const char* what);

}  // namespace cairn
