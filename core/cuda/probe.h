// Whether this build's device code can run on a card.
#pragma once

#include <cuda_runtime.h>

namespace cairn {

/// cudaSuccess where the binary holds code, or PTX that the driver can translate, for the current
/// device; else CUDA's answer, cudaErrorNoKernelImageForDevice where it holds none.
cudaError_t find_device_code();

}  // namespace cairn
