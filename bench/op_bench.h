// Times single ops on their benchmark rows (`.bench = true`), and the nodes of their gradients on
// the same values, beside what the machine can do at most.
//
// `cairn bench` prints this for the command's own table of ops; a program of yours that links
// cairn_op_bench, which holds a main, prints it for yours (tests/new_op).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/device.h"
#include "core/op_runner.h"

namespace cairn::bench {

/// Measured in this process, on the device's threads.
struct Ceilings {
  double copy = 0;  // bytes/s, read and written, of a copy between buffers larger than the caches
  double fma = 0;   // float32 operations/s of multiply-adds in registers; 0 where it isn't known
};

/// CPU: memcpy, and independent FMAs in registers. Elsewhere the ops `scale` on 2^25 numbers and
/// `matmul` of two 4096 x 4096 matrices stand in for them.
Ceilings measure_ceilings(Device& device);

/// What a node of a graph takes beside its work: a run of a chain of `neg` on one number, shared
/// out to its nodes. On CUDA a node of the recorded graph.
double dispatch_seconds(Device& device);

/// One op on one row.
struct OpTime {
  std::string op;
  std::string row;     // "planes"; for a node of a gradient the forward op's too: "relu.planes"
  double seconds = 0;  // of one call: the median of windows
  Cost cost;           // of one call, by the op's own rule

  double bytes_per_s() const { return cost.bytes / seconds; }
  double flops_per_s() const { return cost.flops / seconds; }
};

/// Times a call in windows for `seconds` in all.
OpTime time_call(Device& device, const OpCall& call, std::string row, double seconds);
/// Calls `use` with each of the op's benchmark rows, of `batch` examples (0, or where it gives
/// their values: the row's own), and then with the nodes of its gradient, under the row's name as
/// in OpTime.
void for_bench_calls(Device& device, const OpDef& op, int64_t batch,
                     const std::function<void(const OpCall&, const std::string&)>& use);
/// A call laid out as in training on the device.
OpRunner bench_runner(Device& device, const OpCall& call);

/// The op's benchmark rows, each followed by the nodes of its gradient.
std::vector<OpTime> time_op(Device& device, const OpDef& op, int64_t batch, double seconds);

struct OpBenchOptions {
  std::vector<std::string> ops;  // none: all
  int64_t batch = 0;             // examples of each row; 0, or where it gives their values: its own
  double seconds = 0.2;          // for each line
  bool json = false;             // one object a line
  bool access_report = false;    // in place of times (access_report.h)
};

/// Measures, or counts accesses, and prints; an Error where there is no op of a name.
void run_op_bench(Device& device, const OpBenchOptions& options);

}  // namespace cairn::bench
