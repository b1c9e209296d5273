#include "core/cuda/probe.h"

#include <cuda_runtime.h>

namespace cairn {
namespace {

__global__ void probe_kernel() {}

}  // namespace

bool has_device_code() {
  cudaFuncAttributes attributes;
  const auto* kernel = reinterpret_cast<const void*>(probe_kernel);
  if (cudaFuncGetAttributes(&attributes, kernel) == cudaSuccess) return true;
  static_cast<void>(cudaGetLastError());
  return false;
}

}  // namespace cairn
