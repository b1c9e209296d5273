// Folders of PNG files, a folder for each class:
//
//   DIR/train/CLASS/*.png and DIR/test/CLASS/*.png, or
//   DIR/CLASS/*.png alone: a fifth of the images, chosen by the seed, becomes the test part
//
// Classes are numbered in the order of their names (as bytes), images follow in the order of
// theirs. All images have one size and one number of channels. Hidden files are passed over.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "data/dataset.h"

namespace cairn {

/// Whether a directory holds folders, hidden ones aside.
bool holds_folders(const std::filesystem::path& directory);

/// Errors, which name the file: an image of another size or other channels than the first one, what
/// is no PNG file, a class without images, fewer than 2 or more than 256 classes, a class of the
/// test part that the training part doesn't have, those of io/png.h.
/// With `streamed` the training images stay in their files; all but the first one are looked at
/// when they are read.
DataSplits load_png_folder(const std::string& name, const std::filesystem::path& directory,
                           uint64_t seed, bool streamed = false);

}  // namespace cairn
