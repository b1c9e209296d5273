// Cheap values are made again where the backward pass needs them, in place of being kept from the
// forward pass (Chen, Xu, Zhang and Guestrin 2016, "Training deep nets with sublinear memory
// cost").
//
// A batch-normalised activation, for one, is a pass over its input, which the backward stage that
// reads the activation reads too. Made again there it costs no memory of its own and crosses memory
// neither on its way out nor back: both copies live in their group for one slice.
#pragma once

#include <vector>

#include "core/planner.h"

namespace cairn {

/// Repeats nodes of cheap ops (OpDef::cheap) in each later stage that reads their output, if all
/// those stages are sliced and read the node's own batched inputs anyway. The repeated node has the
/// same name, so the same random numbers. Returns whether there was any.
bool rematerialize(Graph& graph, const std::vector<Stage>& stages);

}  // namespace cairn
