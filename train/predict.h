// What a network makes of images without labels.
#pragma once

#include <cstdint>
#include <vector>

#include "core/store.h"
#include "train/network.h"

namespace cairn {

/// The logits for each image of `data` (its labels may be anything), (size, classes) row-major. The
/// network's parameters lie in `store`.
std::vector<double> logits(const Network& network, Store& store, const Dataset& data);

/// Softmax of the logits for each image of `data` (its labels may be anything): class
/// probabilities, (size, classes) row-major. The network's parameters lie in `store`.
std::vector<double> predict(const Network& network, Store& store, const Dataset& data);

/// The `count` highest of an image's probabilities, the first of equals before the others.
struct Guess {
  int64_t label = 0;
  double probability = 0;
};
std::vector<Guess> best_guesses(const double* probabilities, int64_t classes, int64_t count);

}  // namespace cairn
