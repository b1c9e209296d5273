// Every step-th place along one axis, as x[..., start:end:step, ...] in Python, and its gradient.
//
//   slice:       y[..., i, ...] = x[..., start + i step, ...]
//   slice_grad:  dx[..., start + i step, ...] = dy[..., i, ...], zero elsewhere
//
// `dim` counts as in PyTorch: a batched tensor's axis 0 is the batch, which is refused. start and
// end below 0 count from the end of the axis and are then clipped to it; end is the axis' by
// default; step is at least 1. slice_grad also takes `size`, the length of x along the axis; its
// own gradient is slice. Errors: `dim` out of range, a step below 1, dy that isn't the slice of an
// axis of that size.
#pragma once

#include "core/op.h"

namespace cairn {

namespace slice_attr {
enum { dim, start, end, step, size };
}

/// The places first, first + step, ..., `count` of them.
struct SliceRange {
  int64_t first = 0, step = 1, count = 0;

  /// Along an axis of `length` places.
  SliceRange(const Attrs& a, int64_t length) : step(a.integer(slice_attr::step)) {
    const auto place = [&](int64_t i) {
      if (i < 0) i += length;
      return i < 0 ? 0 : i > length ? length : i;
    };
    first = place(a.integer(slice_attr::start));
    const int64_t end = place(a.integer(slice_attr::end));
    count = end > first ? (end - first + step - 1) / step : 0;
  }
  /// The index of place i in the range, or -1.
  CAIRN_HD int64_t index_of(int64_t i) const {
    const int64_t from_first = i - first;
    return from_first >= 0 && from_first % step == 0 && from_first / step < count
               ? from_first / step
               : -1;
  }
};

template <class Real>
void slice_ref(const Args& args);
template <class Real>
void slice_grad_ref(const Args& args);

void slice_cuda(const Args& args, CudaContext& context);
void slice_grad_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
