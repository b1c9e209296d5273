// A tensor seen along one axis.
#pragma once

#include <vector>

#include "core/op.h"

namespace cairn {

/// A slice's elements, or a plain tensor's: `outer` times `length` runs of `inner` elements, one a
/// place along the axis. The lanes of a slice are part of a run.
struct AxisRuns {
  int64_t outer = 1, length = 1, inner = 1;

  AxisRuns(const Tensor& t, int axis) : length(t.shape[axis]), inner(t.batch.width) {
    for (int k = 0; k < t.shape.rank(); ++k)
      (k < axis ? outer : inner) *= k == axis ? 1 : t.shape[k];
  }
  int64_t elements() const { return outer * length * inner; }
};

/// The shape with another size along the axis.
inline Shape resized(const Shape& shape, int axis, int64_t size) {
  std::vector<int64_t> dims(shape.dims().begin(), shape.dims().end());
  dims[static_cast<size_t>(axis)] = size;
  return Shape(dims);
}

}  // namespace cairn
