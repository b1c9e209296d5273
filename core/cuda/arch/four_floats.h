// Sixteen bytes of memory at once. On the CPU (simt/) a compiler would split the copy of a float4
// into four accesses, and the access report would count those.
#pragma once

#include <cuda_runtime.h>

namespace cairn {

#ifdef CAIRN_SIMT

using FourFloats [[gnu::vector_size(16), gnu::may_alias]] = float;

/// The four floats at an address that 16 divides.
inline float4 load_four(const float* from) {
  const FourFloats four = *reinterpret_cast<const volatile FourFloats*>(from);
  return {four[0], four[1], four[2], four[3]};
}
inline void store_four(float* to, float4 four) {
  *reinterpret_cast<volatile FourFloats*>(to) = FourFloats{four.x, four.y, four.z, four.w};
}

#else

__device__ inline float4 load_four(const float* from) {
  return *reinterpret_cast<const float4*>(from);
}
__device__ inline void store_four(float* to, float4 four) { *reinterpret_cast<float4*>(to) = four; }

#endif

}  // namespace cairn
