// The segment table of the flat buffers: segment s is [begins[s], begins[s+1]) and has a multiplier
// of the learning rate and one of the weight decay.
#pragma once

#include "core/op.h"

namespace cairn {

/// The segment that holds element i: the last whose begin is at or before i.
CAIRN_HD inline int64_t segment_of(const int64_t* begins, int64_t segments, int64_t i) {
  int64_t low = 0, high = segments;
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    (begins[middle] <= i ? low : high) = middle;
  }
  return low;
}

/// Calls f(begin, end, rate_multiplier, decay_multiplier) for the parts of [begin, end) in each
/// segment.
template <class Real, class F>
void for_segments(const Tensor& begins, const Tensor& multipliers, int64_t begin, int64_t end,
                  F f) {
  const auto* starts = begins.as<int64_t>();
  const int64_t segments = begins.shape[0] - 1;
  for (int64_t s = segment_of(starts, segments, begin); begin < end; ++s) {
    const int64_t stop = s + 1 < segments && starts[s + 1] < end ? starts[s + 1] : end;
    const Real* m = multipliers.as<Real>() + 2 * s;
    if (stop > begin) f(begin, stop, m[0], m[1]);
    begin = stop > begin ? stop : begin;
  }
}

/// Checks the inputs of an optimizer: `flats` flat buffers of one size, then the segment table.
void expect_flat_buffers(const OpTypes& t, int flats, std::string_view op);

constexpr int64_t kUpdateRun = 16384;  // elements of a thread's task

}  // namespace cairn
