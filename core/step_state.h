// All that varies from step to step, in one struct that lives on the device.
//
// Kernels read it through a pointer, so no launch argument depends on the step and a captured step
// can be replayed. The first kernels of a step advance it (kernels/step_state); checkpoints keep
// it.
#pragma once

#include <cstdint>

#include "core/host_device.h"

namespace cairn {

struct StepState {
  int64_t step = 0;     // updates done; during an update, the number of that update, from 1
  int64_t epoch = 0;    // passes over the data begun before the present batch's, from 0
  int64_t first = 0;    // position of the batch's first example in the epoch's order
  int64_t n_valid = 0;  // examples of the batch that are real; 0 before the first batch
  double lr = 0;        // learning rate of the present update

  /// Real examples among the `width` lanes that begin at example `from` of the batch.
  CAIRN_HD constexpr int64_t valid_lanes(int64_t from, int64_t width) const {
    const int64_t left = n_valid - from;
    return left < 0 ? 0 : left > width ? width : left;
  }
  /// 1 / n_valid; 0 for an empty batch, whose means are empty sums.
  CAIRN_HD constexpr double inverse_count() const {
    return n_valid > 0 ? 1.0 / static_cast<double>(n_valid) : 0.0;
  }
};

}  // namespace cairn
