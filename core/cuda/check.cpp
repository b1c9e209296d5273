#include "core/cuda/check.h"

#include <fmt/format.h>

#include <cstdio>

namespace cairn {

std::string to_string(cudaError_t result) {
  return fmt::format("{} ({})", cudaGetErrorName(result), cudaGetErrorString(result));
}

void check(cudaError_t result, SourceLocation where) {
  if (result == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());
  fail("CUDA: " + to_string(result), {}, where);
}

void log_failure(cudaError_t result, const char* what) noexcept {
  if (result == cudaSuccess || result == cudaErrorCudartUnloading) return;
  static_cast<void>(cudaGetLastError());
  std::fprintf(stderr, "cairn: %s failed: %s (%s)\n", what, cudaGetErrorName(result),
               cudaGetErrorString(result));
}

}  // namespace cairn
