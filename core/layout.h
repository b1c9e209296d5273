// What memory holds, and nothing else knows: the map from PyTorch's indices to elements.
//
// A *batched* tensor is a row of slices. A slice holds `width` examples as one dense block
// [features][width], features being the per-example shape in row-major order: a matrix in which
// every column is an example. Example n lies in slice n / width, lane n % width. `width` is chosen
// by the plan: 1, 8, 16 or 32 on the CPU, the whole batch on CUDA. A *plain* tensor (weights,
// anything without a batch) is dense row-major.
#pragma once

#include <cstdint>

#include "core/host_device.h"

namespace cairn {

struct BatchLayout {
  int64_t width = 1;         // examples side by side in a slice
  int64_t slices = 1;        // slices in a row
  int64_t slice_stride = 0;  // elements from one slice to the next

  /// Element of feature f of example n.
  CAIRN_HD constexpr int64_t at(int64_t n, int64_t f) const {
    return (n / width) * slice_stride + f * width + n % width;
  }
  CAIRN_HD constexpr int64_t capacity() const { return slices * width; }
};

/// Slices of `width` that hold `examples`.
constexpr int64_t slices_for(int64_t examples, int64_t width) {
  return (examples + width - 1) / width;
}

/// The slice width for a batch on the CPU: two AVX-512 registers where the batch fills them.
constexpr int64_t cpu_slice_width(int64_t batch) {
  return batch > 16 ? 32 : batch > 8 ? 16 : batch > 1 ? 8 : 1;
}
/// And where places fill the registers: an AVX2 register.
constexpr int64_t kNarrowWidth = 8;

}  // namespace cairn
