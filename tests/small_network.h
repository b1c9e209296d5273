// A small convolutional network with its backward pass, for tests of the engine.
#pragma once

#include <vector>

#include "core/executor.h"

namespace cairn {

/// conv2d, tanh, average pool, linear, softmax cross-entropy, and the gradients of all parameters.
/// Inputs: x (1,12,12) and labels of each example, seed = dL/d(loss).
Graph small_network();

/// The network planned and bound on a device, with parameters, inputs and a full batch.
struct BoundNetwork {
  BoundNetwork(Device& device, const PlanOptions& options);

  Program program;
  Store store;
  Executor executor;
};

}  // namespace cairn
