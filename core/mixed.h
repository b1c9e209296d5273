// Mixed precision: the factors of products are of bfloat16, all else stays float32.
//
// A product of two numbers of 8 binary digits is exact in float32, and their sums are made in
// float32. Parameters ("master weights"), their gradients and the optimizer's states keep all 24
// digits: an update that is small beside its weight would be lost in 8 (Micikevicius et al. 2018,
// "Mixed precision training"; with bfloat16 no loss needs scaling: Kalamkar et al. 2019).
//
// The rounding is a node like others, so that every device computes the same; on CUDA, where all
// factors were rounded, cuBLAS may take the tensor cores (Program::tf32).
#pragma once

#include "core/graph.h"

namespace cairn {

/// Puts a `round_bf16` before each factor (OpDef::factors) of every node, one for all readers of a
/// value. To be called when the gradients are there: their products have factors too.
void round_factors(Graph& graph);

/// Whether the graph has products, and no factor that isn't the result of `round_bf16`.
bool factors_are_rounded(const Graph& graph);

}  // namespace cairn
