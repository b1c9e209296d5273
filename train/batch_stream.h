// The batches of a run, read from a data set ahead of the steps that take them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "core/random.h"
#include "core/step_state.h"
#include "data/dataset.h"

namespace cairn {

/// A thread reads the examples of the next two batches into memory of the host, in the order that
/// a shuffled gather_batch takes them (kernels/gather_batch).
class BatchStream {
 public:
  /// `order` keys the shuffle; `data` must outlive the stream. Begins before the first batch.
  BatchStream(const Dataset& data, PhiloxKey order, int64_t batch);
  ~BatchStream();
  BatchStream(const BatchStream&) = delete;
  BatchStream& operator=(const BatchStream&) = delete;

  /// What comes next is the batch after that of `state`.
  void seek(const StepState& state);

  struct Batch {
    StepState state;                    // epoch, first and n_valid are set
    std::span<const uint8_t> examples;  // (n_valid,C,H,W), valid until the next call
  };
  /// Waits for the next batch. Throws what went wrong in reading it, an Error that names the file.
  Batch next();

 private:
  struct Reader;

  const Dataset& data_;
  PhiloxKey order_;
  int64_t batch_;
  StepState begin_;
  std::unique_ptr<Reader> reader_;  // none before the first batch is asked for
};

}  // namespace cairn
