// A tensor is a view: a type and a place in memory that somebody else owns.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "core/layout.h"
#include "core/shape.h"

namespace cairn {

/// What a value is: element type, and shape as PyTorch has it. For a batched type the shape is that
/// of one example, so (C,H,W) stands for PyTorch's (N,C,H,W).
struct TensorType {
  DType dtype = DType::f32;
  Shape shape;
  bool batched = false;

  bool operator==(const TensorType&) const = default;
};

/// "float32 (N, 6, 28, 28)" for a batched type, "float32 (6, 1, 5, 5)" for a plain one.
std::string to_string(const TensorType& type);

struct Tensor {
  void* data = nullptr;
  DType dtype = DType::f32;
  bool batched = false;
  Shape shape;           // of one example where batched
  int64_t features = 1;  // product of the shape
  BatchLayout batch;     // where batched

  Tensor() = default;
  /// A plain tensor over `data`.
  Tensor(void* data, DType dtype, const Shape& shape);
  /// A batched tensor over `data`, its slices dense one after the other.
  Tensor(void* data, DType dtype, const Shape& shape, int64_t width, int64_t slices);

  /// The elements; T must be the dtype's C++ type.
  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
  /// The block [features][width] of a slice.
  template <class T>
  T* slice(int64_t s) const {
    return as<T>() + s * batch.slice_stride;
  }
  /// Feature f of example n of a batched tensor, or element f of a plain one.
  template <class T>
  T& at(int64_t n, int64_t f) const {
    return as<T>()[batched ? batch.at(n, f) : f];
  }
  /// Elements in memory, spare lanes included.
  int64_t elements() const { return batched ? features * batch.capacity() : features; }
  int64_t bytes() const { return elements() * static_cast<int64_t>(size_of(dtype)); }
  TensorType type() const { return {dtype, shape, batched}; }

  /// Slice s alone.
  Tensor slice_view(int64_t s) const;
};

// Host-side conversion between PyTorch's order (example-major) and a tensor in host memory, spare
// lanes included on neither side. `values` holds examples * features numbers for a batched tensor.
void copy_from_plain(std::span<const double> values, const Tensor& to);
std::vector<double> to_plain_values(const Tensor& from, int64_t examples);

}  // namespace cairn
