// What a convolution on the CPU reads of its source, brought side by side: rows x columns of
// places of some planes, with zeros where columns lie outside. All places of a row then have the
// same taps, and a tile finds what it walks close together.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/tensor.h"

namespace cairn {

constexpr int64_t kWindowFloats = 1 << 16;  // of a window, which stays in the second-level cache

/// Places [begin, end) of one axis.
struct Span {
  int64_t begin = 0, end = 0;

  int64_t size() const { return end - begin; }
};

/// The smallest that holds both; an empty one holds nothing.
inline Span span_of_both(const Span& a, const Span& b) {
  if (a.size() <= 0) return b;
  if (b.size() <= 0) return a;
  return {std::min(a.begin, b.begin), std::max(a.end, b.end)};
}

/// Rows x columns of planes, each place `width` examples.
struct Planes {
  const float* data = nullptr;  // of the first row and column
  Span rows, columns;
  int64_t width = 1, row = 0, plane = 0;  // elements: of a place, from a row or plane to the next

  const float* at(int64_t c, int64_t h, int64_t w) const {
    return data + c * plane + (h - rows.begin) * row + (w - columns.begin) * width;
  }
};

/// The channels of a slice of t (C,H,W) from `first` on.
inline Planes planes_of(const Tensor& t, int64_t slice, int64_t first) {
  const int64_t h = t.shape[1], w = t.shape[2], width = t.batch.width;
  const int64_t row = w * width, plane = h * row;
  return {t.slice<float>(slice) + first * plane, {0, h}, {0, w}, width, row, plane};
}

/// A copy of planes [c, c + count) in `memory`, which has room for all of it. `rows` lie inside.
inline Planes gather(const Planes& from, int64_t c, int64_t count, const Span& rows,
                     const Span& columns, float* memory) {
  const int64_t row = columns.size() * from.width;
  const Span inside{std::clamp(from.columns.begin, columns.begin, columns.end),
                    std::clamp(from.columns.end, columns.begin, columns.end)};
  const int64_t before = (inside.begin - columns.begin) * from.width,
                length = std::max<int64_t>(0, inside.size()) * from.width;
  float* to = memory;
  for (int64_t k = c; k < c + count; ++k)
    for (int64_t h = rows.begin; h < rows.end; ++h) {
      std::fill_n(to, before, 0.0f);
      if (length > 0) std::copy_n(from.at(k, h, inside.begin), length, to + before);
      std::fill(to + before + length, to + row, 0.0f);
      to += row;
    }
  return {memory, rows, columns, from.width, row, rows.size() * row};
}

}  // namespace cairn
