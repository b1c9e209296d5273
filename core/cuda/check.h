// Checked results of the CUDA runtime.
#pragma once

#include <cuda_runtime.h>

#include <string>

#include "core/error.h"

namespace cairn {

/// "cudaErrorNoDevice (no CUDA-capable device is detected)"
std::string to_string(cudaError_t result);

/// Throws Error with the result's name, text and place unless it is cudaSuccess. The runtime's
/// sticky error is cleared first, so that later calls are not blamed for it.
void check(cudaError_t result, SourceLocation where = SourceLocation::current());

/// For destructors: writes a failure to stderr and never throws. cudaErrorCudartUnloading, which
/// means that the program is ending, is silent.
void log_failure(cudaError_t result, const char* what) noexcept;

}  // namespace cairn
