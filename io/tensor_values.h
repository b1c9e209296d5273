// The elements of tensors in files as numbers, and numbers as elements.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "io/safetensors.h"

namespace cairn {

/// The elements of a record, row-major. int64 beyond 2^53 is rounded.
std::vector<double> values_of(const TensorRecord& record);

/// The values as elements of that type: real ones rounded to nearest (to bfloat16 by way of
/// float32, as PyTorch does), whole numbers cut to theirs. An Error where a finite value lies
/// outside the type.
std::vector<std::byte> elements_of(std::span<const double> values, DType dtype);

}  // namespace cairn
