// The SIMD target that Highway's run-time dispatch takes on this machine, and what SIMD code
// shares.
#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Unrolls the loop that follows, whose count is a constant, so that arrays of vectors stay in
/// registers.
#ifdef __clang__
#define CAIRN_UNROLL _Pragma("unroll")
#else
#define CAIRN_UNROLL _Pragma("GCC unroll 32")
#endif

namespace cairn {

/// "AVX3" (AVX-512), "AVX2", ...: Highway's name for the target that kernels run with. It is the
/// best that was compiled in and that this machine has, until another is pinned.
std::string simd_target();
/// All that were compiled in and that this machine has, the best first.
std::vector<std::string> simd_targets();
/// Kernels run with this target from now on; "auto" is the best. Equal targets give equal bits. Not
/// to be called while kernels run. A UsageError lists the targets where there is none of that name;
/// capitals don't matter.
void pin_simd_target(std::string_view name);

}  // namespace cairn
