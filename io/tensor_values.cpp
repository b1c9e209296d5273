#include "io/tensor_values.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "core/error.h"

namespace cairn {
namespace {

/// bfloat16: the upper half of a float32.
struct Bfloat16 {
  uint16_t bits = 0;
};

double to_double(Bfloat16 value) {
  return static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16));
}
template <class T>
double to_double(T value) {
  return static_cast<double>(value);
}

[[noreturn]] void outside(double value, DType dtype) {
  fail(fmt::format("{} lies outside {}", value, name_of(dtype)));
}

template <class T>
T from_double(double value) {
  if constexpr (std::is_same_v<T, Bfloat16>) {
    const auto bits = std::bit_cast<uint32_t>(from_double<float>(value));
    if (std::isnan(value)) return {static_cast<uint16_t>((bits >> 16) | 0x40)};
    const uint32_t rounded = bits + 0x7fff + ((bits >> 16) & 1);
    if (std::isfinite(value) && (rounded & 0x7f800000) == 0x7f800000) outside(value, DType::bf16);
    return {static_cast<uint16_t>(rounded >> 16)};
  } else if constexpr (std::is_floating_point_v<T>) {
    const T cut = static_cast<T>(value);
    if (std::isfinite(value) && !std::isfinite(cut)) outside(value, dtype_of<T>());
    return cut;
  } else {
    const double low = static_cast<double>(std::numeric_limits<T>::min());
    const double end = std::ldexp(1, std::numeric_limits<T>::digits);  // one past the largest
    if (!(value >= low && value < end)) outside(value, dtype_of<T>());
    return static_cast<T>(value);
  }
}

/// Calls f with a value of the element type.
template <class F>
auto with_element(DType dtype, F f) {
  switch (dtype) {
    case DType::f32:
      return f(float{});
    case DType::f64:
      return f(double{});
    case DType::bf16:
      return f(Bfloat16{});
    case DType::u8:
      return f(uint8_t{});
    case DType::i32:
      return f(int32_t{});
    case DType::i64:
      break;
  }
  return f(int64_t{});
}

}  // namespace

std::vector<double> values_of(const TensorRecord& record) {
  return with_element(record.dtype, [&](auto element) {
    std::vector<double> values(record.data.size() / sizeof(element));
    const std::byte* at = record.data.data();
    for (double& value : values) {
      std::memcpy(&element, at, sizeof(element));  // the file's may be unaligned
      value = to_double(element);
      at += sizeof(element);
    }
    return values;
  });
}

std::vector<std::byte> elements_of(std::span<const double> values, DType dtype) {
  return with_element(dtype, [&](auto element) {
    std::vector<std::byte> bytes(values.size() * sizeof(element));
    std::byte* at = bytes.data();
    for (const double value : values) {
      element = from_double<decltype(element)>(value);
      std::memcpy(at, &element, sizeof(element));
      at += sizeof(element);
    }
    return bytes;
  });
}

}  // namespace cairn
