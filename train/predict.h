// What a network makes of images without labels.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/store.h"
#include "train/network.h"
#include "train/trainer.h"

namespace cairn {

/// The logits for each image of `data` (its labels may be anything), (size, classes) row-major. The
/// network's parameters lie in `store`.
std::vector<double> logits(const Network& network, Store& store, const Dataset& data);

/// The data with each image, in memory, mirrored left to right.
Dataset mirrored(Dataset data);
/// The mean of the logits for each image and for its mirror image.
std::vector<double> flipped_logits(const Network& network, Store& store, const Dataset& data);
/// What logits, (size, classes) row-major, are worth beside the labels: mean cross-entropy,
/// accuracy (of equal logits the first counts) and confusion matrix.
Evaluation judge_logits(std::span<const double> logits, const Dataset& data);

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
