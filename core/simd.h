// The SIMD target that Highway's run-time dispatch takes on this machine, and what SIMD code
// shares.
#pragma once

#include <string>

/// Unrolls the loop that follows, whose count is a constant, so that arrays of vectors stay in
/// registers.
#ifdef __clang__
#define CAIRN_UNROLL _Pragma("unroll")
#else
#define CAIRN_UNROLL _Pragma("GCC unroll 32")
#endif

namespace cairn {

/// "AVX3", "AVX2", ...: Highway's name for the best target that was compiled in and that this
/// machine has.
std::string simd_target();

}  // namespace cairn
