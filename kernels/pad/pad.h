// pad: a border of one value around a tensor.
//
//   y[i] = x[i - before] where that lies inside x, else value       gradient: slices of dy
//
// `pad` lists the places before and after, two numbers an axis, last axis first, as in
// torch.nn.functional.pad: pad=1,2 widens the last axis, pad=1,2,3,4 also the one before it. Axes
// that it doesn't reach stay. x plain or batched; the batch can't be padded. Errors: an odd count,
// more axes than x has, negative numbers (slice crops).
#pragma once

#include "core/op.h"

namespace cairn {

namespace pad_attr {
enum { pad, value };
}

/// The rows along the last axis of y and x.
struct PadShape {
  int outer = 0;  // axes besides the last
  int64_t size_x[kMaxRank] = {}, size_y[kMaxRank] = {}, before[kMaxRank] = {};
  int64_t rows = 1, row_x = 1, row_y = 1, row_before = 0;  // rows of y; sizes of a row

  PadShape(const Shape& x, const Shape& y, const Attrs& attrs) : outer(x.rank() - 1) {
    for (int k = 0; k <= outer; ++k) {
      const int pair = 2 * (outer - k);
      const int64_t border =
          pair < attrs.size(pad_attr::pad) ? attrs.integer(pad_attr::pad, pair) : 0;
      if (k == outer) {
        row_x = x[k], row_y = y[k], row_before = border;
      } else {
        size_x[k] = x[k], size_y[k] = y[k], before[k] = border;
        rows *= y[k];
      }
    }
  }
  /// The row of x that row r of y shows; -1 in the border.
  CAIRN_HD int64_t row_of(int64_t r) const {
    int64_t from = 0, step = 1;
    for (int k = outer - 1; k >= 0; --k) {
      const int64_t i = r % size_y[k] - before[k];
      if (i < 0 || i >= size_x[k]) return -1;
      from += i * step;
      step *= size_x[k];
      r /= size_y[k];
    }
    return from;
  }
};

template <class Real>
void pad_ref(const Args& args);

void pad_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
