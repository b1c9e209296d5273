// How the CUDA kernels of ops use memory on their benchmark rows (docs/simt.md): sectors that warps
// ask for beside the fewest, the bytes of those beside the cost row's, and bank conflicts of shared
// memory.
#pragma once

#include <string_view>
#include <vector>

#include "core/device.h"
#include "core/op.h"

namespace cairn::bench {

/// A UsageError, with what to build, where this program can't see what kernels access on the device
/// of that name.
void expect_access_recorder(std::string_view device);

/// Runs each of the ops' benchmark rows, of `batch` examples (as in for_bench_calls), and the nodes
/// of their gradients once, and prints a line for each kernel; `json`: one object a line.
void report_accesses(Device& device, const std::vector<const OpDef*>& ops, int64_t batch,
                     bool json);

}  // namespace cairn::bench
