// Sixteen bytes of memory at once. On the CPU (simt/) a compiler would split the copy of a float4
// into four accesses, and the access report would count those.
#pragma once

#include <cuda_runtime.h>

namespace cairn {

#ifdef CAIRN_SIMT

using FourFloats [[gnu::vector_size(16), gnu::may_alias]] = float;

using TwoDoubles [[gnu::vector_size(16), gnu::may_alias]] = double;

/// The four floats, and two doubles, at an address that 16 divides.
inline float4 load_four(const float* from) {
  const FourFloats four = *reinterpret_cast<const volatile FourFloats*>(from);
  return {four[0], four[1], four[2], four[3]};
}
inline void store_four(float* to, float4 four) {
  *reinterpret_cast<volatile FourFloats*>(to) = FourFloats{four.x, four.y, four.z, four.w};
}
inline double2 load_two(const double* from) {
  const TwoDoubles two = *reinterpret_cast<const volatile TwoDoubles*>(from);
  return {two[0], two[1]};
}
inline void store_two(double* to, double2 two) {
  *reinterpret_cast<volatile TwoDoubles*>(to) = TwoDoubles{two.x, two.y};
}

#else

__device__ inline float4 load_four(const float* from) {
  return *reinterpret_cast<const float4*>(from);
}
__device__ inline void store_four(float* to, float4 four) { *reinterpret_cast<float4*>(to) = four; }
__device__ inline double2 load_two(const double* from) {
  return *reinterpret_cast<const double2*>(from);
}
__device__ inline void store_two(double* to, double2 two) { *reinterpret_cast<double2*>(to) = two; }

#endif

}  // namespace cairn
