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
/// The data with each image, in memory, moved by so many pixels to the left and up, or right and
/// down where that is negative; what comes in is the image reflected at its border. An Error where
/// an image isn't larger.
Dataset moved(Dataset data, int64_t pixels);

/// What else than an image is judged.
struct Views {
  bool flip = false;  // its mirror image
  int64_t shift = 0;  // both moved by so many pixels, once each way; 0: neither
};
/// The mean of the logits for all views of each image: those that aren't moved count half (Jordan
/// 2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU").
std::vector<double> mean_logits(const Network& network, Store& store, const Dataset& data,
                                const Views& views);
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
