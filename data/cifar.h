// CIFAR's binary files: records of a label and an image, one behind the other.
//
//   record   label (1 byte), then 3 planes of 32x32 pixels: red, green, blue, row by row
//
// Source: Krizhevsky 2009, "Learning multiple layers of features from tiny images". Files may be
// packed by gzip. Every error names the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "core/shape.h"
#include "data/byte_reader.h"

namespace cairn {

inline const Shape kCifarImage{3, 32, 32};

struct CifarImages {
  std::vector<uint8_t> pixels;  // (count,3,32,32)
  std::vector<uint8_t> labels;  // (count)
};

/// Appends the file's records. Errors: no record, a record that is cut short, a label that isn't
/// below `classes`, corrupt gzip data.
void read_cifar(ByteReader reader, int64_t classes, CifarImages& to);

/// Makes such a file of a picture whose rows are images of 1024 pixels, and of labels: a list in
/// JSON, of which the picture's begin at `first`. An Error where the sizes differ from that.
void write_cifar(const std::filesystem::path& picture, const std::filesystem::path& labels,
                 int64_t first, const std::filesystem::path& to);

}  // namespace cairn
