#include "core/shape.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"

namespace cairn {

void Shape::too_many_dims(size_t rank) {
  fail(fmt::format("a shape of rank {} was asked for", rank),
       fmt::format("tensors have at most {} dimensions", kMaxRank));
}

int64_t Shape::elements() const {
  int64_t n = 1;
  for (const int64_t d : dims()) {
    if (d < 0) fail(fmt::format("shape {} has a negative size", to_string(*this)));
    n = checked_mul(n, d, "the number of elements of a tensor");
  }
  return n;
}

std::string to_string(const Shape& shape) {
  return fmt::format("({})", fmt::join(shape.dims(), ", "));
}

int64_t checked_mul(int64_t a, int64_t b, const char* what) {
  int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product))
    fail(fmt::format("{} overflows: {} x {}", what, a, b));
  return product;
}

}  // namespace cairn
