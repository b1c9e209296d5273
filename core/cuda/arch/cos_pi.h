// The cosine of a multiple of pi, on the host and on the device.
#pragma once

#include <cmath>

#include "core/host_device.h"

namespace cairn {

/// cos(pi x). CUDA's cos() would need local memory, for arguments of any size.
CAIRN_HD inline double cos_pi(double x) {
#ifdef __CUDA_ARCH__
  return ::cospi(x);
#else
  return std::cos(3.14159265358979323846 * x);
#endif
}

}  // namespace cairn
