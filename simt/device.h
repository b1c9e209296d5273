// CUDA's built-ins for device code, on the CPU. Every CUDA source is compiled with this header
// included first, as nvcc includes its own.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "simt/atomics.h"
#include "simt/builtin_variables.h"
#include "simt/engine.h"
#include "simt/kernel.h"

// Barriers. Macros, so that each use is known by its place.
#define __syncthreads() static_cast<void>(::simt::barrier(0, SIMT_SITE))
#define __syncthreads_or(predicate) \
  static_cast<int>(::simt::barrier((predicate) != 0, SIMT_SITE) != 0)
#define __syncthreads_and(predicate) \
  static_cast<int>(::simt::barrier((predicate) == 0, SIMT_SITE) == 0)
#define __syncthreads_count(predicate) ::simt::barrier((predicate) != 0, SIMT_SITE)

// Warp-wide functions.
#define SIMT_EXCHANGE(op, mask, value) \
  ::simt::exchange(::simt::WarpOp::op, mask, value, 0, false, SIMT_SITE)
#define SIMT_SYNCWARP_1(mask) static_cast<void>(SIMT_EXCHANGE(sync, mask, 0))
#define SIMT_SYNCWARP_0() SIMT_SYNCWARP_1(::simt::full_mask())
#define SIMT_SYNCWARP(first, chosen, ...) chosen
#define __syncwarp(...) \
  SIMT_SYNCWARP(__VA_ARGS__ __VA_OPT__(, ) SIMT_SYNCWARP_1, SIMT_SYNCWARP_0)(__VA_ARGS__)
#define __ballot_sync(mask, predicate) \
  static_cast<unsigned>(SIMT_EXCHANGE(ballot, mask, (predicate) != 0))
#define __all_sync(mask, predicate) static_cast<int>(SIMT_EXCHANGE(all, mask, (predicate) != 0))
#define __any_sync(mask, predicate) static_cast<int>(SIMT_EXCHANGE(any, mask, (predicate) != 0))
#define __match_any_sync(mask, value) \
  static_cast<unsigned>(SIMT_EXCHANGE(match, mask, ::simt::to_bits(value)))
#define __shfl_sync(...) ::simt::shuffle(SIMT_SITE, ::simt::Shuffle::index, __VA_ARGS__)
#define __shfl_up_sync(...) ::simt::shuffle(SIMT_SITE, ::simt::Shuffle::up, __VA_ARGS__)
#define __shfl_down_sync(...) ::simt::shuffle(SIMT_SITE, ::simt::Shuffle::down, __VA_ARGS__)
#define __shfl_xor_sync(...) ::simt::shuffle(SIMT_SITE, ::simt::Shuffle::exclusive_or, __VA_ARGS__)
#define __reduce_add_sync(mask, value) ::simt::reduce(::simt::WarpOp::add, mask, value, SIMT_SITE)
#define __reduce_min_sync(mask, value) ::simt::reduce(::simt::WarpOp::min, mask, value, SIMT_SITE)
#define __reduce_max_sync(mask, value) ::simt::reduce(::simt::WarpOp::max, mask, value, SIMT_SITE)
#define __reduce_and_sync(mask, value) \
  ::simt::reduce(::simt::WarpOp::bit_and, mask, value, SIMT_SITE)
#define __reduce_or_sync(mask, value) ::simt::reduce(::simt::WarpOp::bit_or, mask, value, SIMT_SITE)
#define __reduce_xor_sync(mask, value) \
  ::simt::reduce(::simt::WarpOp::bit_xor, mask, value, SIMT_SITE)

namespace simt {

inline uint32_t lane_id() { return running().thread % kWarp; }

/// The lanes that the calling thread's warp has; the last warp of a block may have fewer than 32.
inline uint32_t full_mask() {
  const uint32_t threads = blockDim.x * blockDim.y * blockDim.z;
  const uint32_t lanes = std::min(threads - running().thread / kWarp * kWarp, kWarp);
  return lanes == kWarp ? 0xffffffffu : (1u << lanes) - 1;
}

template <class T>
uint64_t to_bits(T value) {
  static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}

enum class Shuffle : uint8_t { index, up, down, exclusive_or };

/// Formulas of the CUDA C++ Programming Guide's section on warp shuffle functions.
template <class T>
T shuffle(const Site& site, Shuffle kind, unsigned mask, T value, int by, int width = 32) {
  const int lane = static_cast<int>(lane_id()), first = lane / width * width;
  int source = lane;
  switch (kind) {
    case Shuffle::index:
      source = first + (by & (width - 1));
      break;
    case Shuffle::up:
      source = lane - by < first ? lane : lane - by;
      break;
    case Shuffle::down:
      source = lane + by >= first + width ? lane : lane + by;
      break;
    case Shuffle::exclusive_or:
      source = (lane ^ by) >= first + width ? lane : lane ^ by;
  }
  const uint64_t bits =
      exchange(WarpOp::shuffle, mask, to_bits(value), static_cast<uint32_t>(source), false, site);
  T result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

template <class T>
T reduce(WarpOp op, unsigned mask, T value, const Site& site) {
  static_assert(std::is_integral_v<T> && sizeof(T) == 4);
  return static_cast<T>(
      exchange(op, mask, static_cast<uint32_t>(value), 0, std::is_signed_v<T>, site));
}

}  // namespace simt

/// Legal, and the least helpful answer: the calling lane alone.
inline unsigned __activemask() { return 1u << simt::lane_id(); }

/// Orders what blocks pass on to one another by atomic functions; the checker alone must know.
inline void __threadfence() { simt::checker().fenced(); }
inline void __threadfence_block() {}

template <class T>
T __ldg(const T* from) {
  return *from;
}

// Integers.
inline int __popc(unsigned x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __ffs(int x) { return x == 0 ? 0 : std::countr_zero(static_cast<unsigned>(x)) + 1; }
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>(uint64_t{a} * b >> 32);
}

// Arithmetic with a rounding that is said; the fast functions round as the exact ones do here.
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
