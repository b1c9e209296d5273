// Rows that are made, for tests/op_shapes.cpp.
#pragma once

#include <array>
#include <iterator>
#include <string>
#include <vector>

#include "core/op.h"

namespace cairn {

constexpr int64_t kBatches[] = {0, 1, 2, 17};
constexpr int64_t kChannels[] = {1, 3, 5, 31, 33};

/// A row that is made, not written.
struct Made {
  std::string attrs = {};
  int64_t n = 1;
  std::array<CaseInput, 8> inputs = {};
  bool ties = false;   // equal values, where a maximum has no derivative
  bool plain = false;  // the examples become the first axis of plain tensors
};

inline int64_t batch_of(size_t i, size_t j) { return kBatches[(i + j) % std::size(kBatches)]; }

// tests/op_shapes_broadcast.cpp

/// Axes of every kind of place, of one example and of plain tensors with the examples before it.
std::vector<Made> reductions();
/// Shapes that meet at their ends; those of one rank are tried as plain tensors too.
std::vector<Made> broadcasts();
/// Any sign of bases, whole exponents from 0; gradients are NaN where a base is negative.
std::vector<Made> powers();
std::vector<Made> expansions();

// tests/op_shapes_windows.cpp
namespace shapes {

std::vector<Made> conv2d();
std::vector<Made> conv2d_dx();
std::vector<Made> conv2d_dw();
std::vector<Made> max_pool2d();
std::vector<Made> avg_pool2d();
std::vector<Made> max_pool2d_grad();
std::vector<Made> avg_pool2d_grad();
/// Outputs larger and smaller than the input, whose sizes divide it or don't.
std::vector<Made> adaptive_pools(bool gradient);

}  // namespace shapes
}  // namespace cairn
