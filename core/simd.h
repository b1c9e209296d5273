// The SIMD target that Highway's run-time dispatch takes on this machine.
#pragma once

#include <string>

namespace cairn {

/// "AVX3", "AVX2", ...: Highway's name for the best target that was compiled in and that this machine has.
std::string simd_target();

}  // namespace cairn
