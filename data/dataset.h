// Labelled images in memory, and where they come from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/shape.h"

namespace cairn {

/// Images as uint8, 0 to 255 as in the source: a batch is normalised when it is gathered.
struct Dataset {
  std::string name;
  Shape image;  // (C,H,W)
  int64_t classes = 0;
  std::vector<uint8_t> images;  // (size,C,H,W) row-major
  std::vector<uint8_t> labels;  // (size), in [0, classes)

  int64_t size() const { return static_cast<int64_t>(labels.size()); }
};

struct DataSplits {
  Dataset train, test;
};

/// Loads a data set of the catalog by its name, or else a directory that holds the four IDX files
/// as find_idx_file() finds them ("./mnist" is a directory even though "mnist" is a name).
/// `classes` counts for a directory only. Nothing is fetched. Errors: a name that isn't known
/// (UsageError) or not fetched yet, a missing file, those of data/idx.h, counts of images and
/// labels that differ, test images of another size than training images.
DataSplits load_data(const std::string& name_or_dir, int64_t classes = 10);

/// Moves round(fraction * size) examples, at most size - 1, out of `train` into the returned set.
/// Which ones depends on seed and size alone; both parts keep their order. A UsageError where
/// fraction isn't in [0, 1).
Dataset split_validation(Dataset& train, double fraction, uint64_t seed);

}  // namespace cairn
