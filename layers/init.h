// How parameters begin. fan_in and fan_out count the products into and out of a unit.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/graph.h"

namespace cairn {

enum class InitScheme : uint8_t { lecun, glorot, he, dirac, zeros };

/// Normal with variance 1/fan_in: keeps the variance of sums (LeCun, Bottou, Orr and Mueller 1998).
Init lecun(int64_t fan_in);
/// Uniform with variance 2/(fan_in + fan_out): keeps it forward and backward (Glorot and Bengio
/// 2010).
Init glorot(int64_t fan_in, int64_t fan_out);
/// Normal with variance 2/fan_in: ReLU halves the second moment (He et al. 2015).
Init he(int64_t fan_in);

/// The first channels of a convolution's output are those of its input (Zagoruyko and Komodakis
/// 2017, "DiracNets"), the others uniform with variance 1/(3 fan_in).
Init dirac(int64_t fan_in);

Init make_init(InitScheme scheme, int64_t fan_in, int64_t fan_out);
/// "lecun", "glorot" or "he"; a UsageError names the others.
InitScheme init_scheme(std::string_view name);

}  // namespace cairn
