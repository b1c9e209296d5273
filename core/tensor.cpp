#include "core/tensor.h"

#include <cstring>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"

namespace cairn {
namespace {

/// Calls f(T{}) with the C++ type of `dtype`.
template <class F>
void with_type(DType dtype, F f) {
  switch (dtype) {
    case DType::f32:
      return f(float{});
    case DType::f64:
      return f(double{});
    case DType::u8:
      return f(uint8_t{});
    case DType::i32:
      return f(int32_t{});
    case DType::i64:
      return f(int64_t{});
    case DType::bf16:
      break;
  }
  fail(fmt::format("values of type {} can't be converted on the host", name_of(dtype)));
}

}  // namespace

std::string to_string(const TensorType& type) {
  std::vector<std::string> dims;
  if (type.batched) dims.emplace_back("N");
  for (const int64_t d : type.shape.dims()) dims.push_back(fmt::format("{}", d));
  return fmt::format("{} ({})", name_of(type.dtype), fmt::join(dims, ", "));
}

Tensor::Tensor(void* data, DType dtype, const Shape& shape)
    : data(data), dtype(dtype), shape(shape), features(shape.elements()) {}

Tensor::Tensor(void* data, DType dtype, const Shape& shape, int64_t width, int64_t slices)
    : data(data),
      dtype(dtype),
      batched(true),
      shape(shape),
      features(shape.elements()),
      batch{width, slices, checked_mul(features, width, "the size of a slice")} {}

Tensor Tensor::slice_view(int64_t s) const {
  Tensor view = *this;
  view.data =
      static_cast<std::byte*>(data) + s * batch.slice_stride * static_cast<int64_t>(size_of(dtype));
  view.batch.slices = 1;
  return view;
}

void copy_from_plain(std::span<const double> values, const Tensor& to) {
  const auto count = static_cast<int64_t>(values.size());
  const int64_t features = to.features;
  if (features == 0 ? count != 0 : count % features != 0)
    fail(fmt::format("{} values don't fill a tensor {}", count, to_string(to.type())));
  const int64_t examples = features == 0 ? 0 : count / features;
  if (examples > (to.batched ? to.batch.capacity() : 1))
    fail(fmt::format("{} examples don't fit a batch of {}", examples, to.batch.capacity()));
  with_type(to.dtype, [&](auto t) {
    using T = decltype(t);
    for (int64_t i = 0; i < count; ++i)
      to.at<T>(i / features, i % features) = static_cast<T>(values[static_cast<size_t>(i)]);
  });
}

std::vector<double> to_plain_values(const Tensor& from, int64_t examples) {
  const int64_t rows = from.batched ? examples : 1;
  std::vector<double> values(static_cast<size_t>(rows * from.features));
  with_type(from.dtype, [&](auto t) {
    using T = decltype(t);
    for (size_t i = 0; i < values.size(); ++i) {
      const auto k = static_cast<int64_t>(i);
      values[i] = static_cast<double>(from.at<T>(k / from.features, k % from.features));
    }
  });
  return values;
}

}  // namespace cairn
