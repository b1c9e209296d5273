// Rewrites that save passes over memory. What may vanish into what stands in the ops' rules;
// beside `accumulate`, which autodiff emits, no op is known here by name.
#pragma once

#include "core/graph.h"

namespace cairn {

/// Lets an op vanish into the one that makes its input, as its FusionRule says, where nobody else
/// uses that input: conv2d -> tanh becomes conv2d with activation=tanh.
void fuse_epilogues(Graph& graph);

/// Makes one node of two, as the MergeRule of the later one's op says, in the place of the earlier
/// one. Others may go on reading what that made: relu_grad, batch_norm_grad ->
/// batch_norm_relu_grad.
void merge_pairs(Graph& graph);

/// Lets an op vanish into an earlier one that reads or makes what it reads, as that one's
/// CompanionRule says: bias_grad into the linear_dw of the same dy. Others may go on reading all.
void absorb_companions(Graph& graph);

/// A sum over the batch that only goes into an accumulated state is added there directly: its
/// `accumulate` node vanishes. Returns for each value the state that it stands for, or none.
std::vector<Value> bind_accumulators(Graph& graph);

}  // namespace cairn
