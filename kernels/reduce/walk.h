// Broadcasting in memory: where tensors are read while the elements of a larger one pass in order.
//
// Axes meet at their ends and one element stands for all, as in numpy. Summing is the same walk the
// other way: the result is the smaller tensor.
#pragma once

#include <array>

#include "core/host_device.h"
#include "core/shape.h"

namespace cairn {

/// The element of a tensor of shape `x` that stands at element i of shape `y`.
inline int64_t broadcast_source(int64_t i, const Shape& y, const Shape& x) {
  int64_t at = 0, stride = 1;
  for (int axis = -1; axis >= -x.rank(); --axis) {
    if (x[axis] != 1) at += i % y[axis] * stride;
    i /= y[axis];
    stride *= x[axis];
  }
  return at;
}

/// An axis of N tensors: elements from one place to the next, 0 where a tensor is broadcast.
template <int N>
struct Axis {
  int64_t size = 1;
  int64_t stride[N] = {};
};

/// Axes, outermost first, whose places are passed in row-major order.
template <int N>
struct Walk {
  int rank = 0;
  Axis<N> axes[kMaxRank + 1];

  /// An axis inside the others. It joins the last one where the two lie like one in all tensors.
  void append(const Axis<N>& axis) {
    if (axis.size == 1) return;
    bool joins = rank > 0;
    for (int k = 0; k < N && joins; ++k)
      joins = axes[rank - 1].stride[k] == axis.size * axis.stride[k];
    if (joins)
      axes[rank - 1].size *= axis.size;
    else
      axes[rank++].size = axis.size;
    for (int k = 0; k < N; ++k) axes[rank - 1].stride[k] = axis.stride[k];
  }
  /// Takes the innermost axis off; a single place where there is none.
  Axis<N> pop() { return rank > 0 ? axes[--rank] : Axis<N>{}; }
  int64_t count() const {
    int64_t n = 1;
    for (int a = 0; a < rank; ++a) n *= axes[a].size;
    return n;
  }
  /// The tensors' elements at place i.
  CAIRN_HD void locate(int64_t i, int64_t (&at)[N]) const {
    for (int k = 0; k < N; ++k) at[k] = 0;
    for (int a = rank - 1; a >= 0; --a) {
      const int64_t place = a > 0 ? i % axes[a].size : i;  // the outermost needs no division
      for (int k = 0; k < N; ++k) at[k] += place * axes[a].stride[k];
      if (a > 0) i /= axes[a].size;
    }
  }
  CAIRN_HD int64_t offset(int64_t i) const {
    int64_t at[N];
    locate(i, at);
    return at[0];
  }
};

/// Elements of a slice of `width` examples from one place on an axis (counted from the end) to the
/// next.
inline int64_t stride_of(const Shape& shape, int axis, int64_t width) {
  for (int a = axis + 1; a < 0; ++a) width *= shape[a];
  return width;
}

/// The walk over the elements of `y` in a slice of `width` examples, with tensors of shapes `x`.
template <int N>
Walk<N> broadcast_walk(const Shape& y, const std::array<Shape, size_t{N}>& x, int64_t width) {
  Walk<N> walk;
  for (int axis = -y.rank(); axis < 0; ++axis) {
    Axis<N> next{y[axis], {}};
    for (int k = 0; k < N; ++k) {
      const Shape& shape = x[static_cast<size_t>(k)];
      if (axis >= -shape.rank() && shape[axis] != 1) next.stride[k] = stride_of(shape, axis, width);
    }
    walk.append(next);
  }
  Axis<N> lanes{width, {}};
  for (int k = 0; k < N; ++k) lanes.stride[k] = 1;
  walk.append(lanes);
  return walk;
}

}  // namespace cairn
