// Labelled examples, in memory or in files, and where they come from.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/dtype.h"
#include "core/shape.h"
#include "data/image_files.h"

namespace cairn {

/// Examples are images as uint8, 0 to 255 as in the source, or float32 numbers of any range; a
/// batch is normalised when it is gathered.
struct Dataset {
  std::string name;
  Shape image;  // (C,H,W)
  int64_t classes = 0;
  std::vector<uint8_t> images;                   // (size,C,H,W) row-major
  std::vector<uint8_t> labels;                   // (size), in [0, classes)
  std::vector<std::string> class_names = {};     // empty: "0", "1", ...
  DType dtype = DType::u8;                       // f32: the examples lie in `values`
  std::vector<float> values = {};                // (size,C,H,W), in place of `images`
  std::shared_ptr<const ImageFiles> files = {};  // to read from, in place of `images`

  int64_t size() const { return static_cast<int64_t>(labels.size()); }
};

/// Copies the numbers of one example, of the data's dtype: `to` has room for just them.
void read_example(const Dataset& data, int64_t row, std::span<uint8_t> to);

/// The name of class k: of `class_names`, else its number.
std::string class_name(const std::vector<std::string>& class_names, int64_t k);

struct DataSplits {
  Dataset train, test;
  std::string note = {};  // what the user should know of how they were made; may be empty
};

/// Loads a data set of the catalog by its name, or else a directory: of PNG files in a folder for
/// each class (data/png_folder.h), of CIFAR's batches (data/cifar.h), or of the four IDX files as
/// find_idx_file() finds them ("./mnist" is a directory even though "mnist" is a name). `classes`
/// counts where there are no folders, `seed` for PNG files without a test part. Nothing is fetched.
/// Errors: a name that isn't known (UsageError) or not fetched yet, a missing file, those of
/// data/idx.h, data/cifar.h and data/png_folder.h, counts of images and labels that differ, test
/// images of another size than training images. With `streamed` the training images of a directory
/// stay in their files, which have to be plain ones (an Error for .gz, and for CIFAR's); PNG files
/// are then looked at when they are read.
DataSplits load_data(const std::string& name_or_dir, int64_t classes = 10, uint64_t seed = 1,
                     bool streamed = false);

/// round(fraction * size), at most size - 1: examples of the validation split. A UsageError where
/// fraction isn't in [0, 1).
int64_t validation_size(int64_t size, double fraction);

/// Moves validation_size() examples out of `train` into the returned set. Which ones depends on
/// seed, size and `part`, the name of what is split off; both parts keep their order; what is split
/// off lies in memory.
Dataset split_validation(Dataset& train, double fraction, uint64_t seed,
                         std::string_view part = "validation split");

/// A data set of the user's own numbers, copied. `shape` is (N,F), features, which become images
/// (1,1,F); (N,H,W), of one channel; or (N,C,H,W) with up to 4 channels. uint8 examples are pixels,
/// 0 to 255, which count as 0 to 1; float ones count as they are. Both are normalised by the mean
/// and deviation of each channel over all its numbers (train/network.h: pixel_statistics): scale
/// features that have different units beforehand. Labels lie in [0, classes), at most 256. Errors
/// (UsageError): another shape, counts that differ from it, no examples, a label out of range, a
/// number that isn't finite; the first offender is named.
Dataset dataset_from_arrays(const std::string& name, std::span<const float> examples,
                            const Shape& shape, std::span<const int64_t> labels, int64_t classes);
Dataset dataset_from_arrays(const std::string& name, std::span<const uint8_t> examples,
                            const Shape& shape, std::span<const int64_t> labels, int64_t classes);

}  // namespace cairn
