// What a training run takes of a device's memory, told from plans before any is taken, and the
// report where it doesn't fit.
#pragma once

#include <cstdint>
#include <exception>
#include <string>

#include "core/executor.h"
#include "train/trainer.h"

namespace cairn {

struct MemoryNeed {
  int64_t data = 0;        // bytes of images and labels, or of the window of images
  int64_t parameters = 0;  // with gradients, the optimizer's states and their average
  int64_t states = 0;      // others that outlive a step: running averages, records
  ScratchSizes scratch;    // of activations, partial sums and workspace at this batch

  int64_t total() const { return data + parameters + states + scratch.total(); }
};

/// Of a run over `count` examples with settings.batch on a device of that kind; evaluations come on
/// top. Opens no device.
MemoryNeed memory_need(const Network& network, const TrainSettings& settings, int64_t count,
                       DeviceKind kind);

/// Bytes that an Evaluator takes beside a run: its data and, where it doesn't fit into the run's
/// scratch, one of its own.
int64_t evaluation_need(const Network& network, int64_t count, int64_t batch, DeviceKind kind,
                        const ScratchSizes& scratch);

/// Bytes of the host while a checkpoint of so many buffers like the parameters is written.
int64_t checkpoint_need(const ParameterMap& parameters, size_t buffers);

/// The largest batch among half, a quarter, ... of settings.batch whose run takes at most nine
/// tenths of `available` bytes; 0 where none does.
int64_t batch_that_fits(const Network& network, const TrainSettings& settings, int64_t count,
                        DeviceKind kind, int64_t available);

/// "act1.y float32 (N, 6, 28, 28): 9.6 MB": the `most` largest values that a program keeps
/// in memory, largest first, one a line.
std::string largest_values(const Program& program, size_t most = 5);

/// OutOfMemory, or what the C++ library throws for it.
bool is_out_of_memory(const std::exception& error);

/// Throws OutOfMemory that says what `error` says; its hint is `advice`, then the program's largest
/// values.
[[noreturn]] void report_out_of_memory(const std::exception& error, const std::string& advice,
                                       const Program& program);

}  // namespace cairn
