#include "data/dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <functional>

#include "core/error.h"
#include "core/random.h"
#include "data/cache.h"
#include "data/catalog.h"
#include "data/embedded.h"
#include "data/idx.h"

namespace cairn {
namespace {

constexpr std::array<const char*, 4> kIdxNames = {
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte"};

using OpenFile = std::function<ByteReader(const std::string& file)>;

Dataset read_part(const std::string& name, int64_t classes, ByteReader images_file,
                  ByteReader labels_file) {
  const std::string images_name = images_file.name(), labels_name = labels_file.name();
  IdxImages images = read_idx_images(std::move(images_file));
  Dataset part{name, Shape{1, images.height, images.width}, classes, std::move(images.pixels),
               read_idx_labels(std::move(labels_file), classes)};
  if (part.size() != images.count) {
    fail(fmt::format("{} holds {} images but {} holds {} labels", images_name, images.count,
                     labels_name, part.size()),
         "the two files must belong together");
  }
  return part;
}

DataSplits read_splits(const std::string& name, int64_t classes, const OpenFile& open) {
  const auto part = [&](size_t first) {
    ByteReader images = open(kIdxNames[first]);  // before the labels, whatever the compiler's order
    return read_part(name, classes, std::move(images), open(kIdxNames[first + 1]));
  };
  DataSplits splits{part(0), part(2)};
  if (splits.train.image != splits.test.image) {
    fail(fmt::format("{}: training images are {} but test images are {}", name,
                     to_string(splits.train.image), to_string(splits.test.image)),
         "the files must belong together");
  }
  return splits;
}

DataSplits load_directory(const std::string& name, const std::filesystem::path& directory,
                          int64_t classes) {
  return read_splits(name, classes, [&](const std::string& file) {
    const std::filesystem::path path = find_idx_file(directory, file);
    if (path.empty()) {
      fail(fmt::format("{}: there is no {}", directory.string(), file),
           fmt::format("a data directory holds {}, plain or .gz", fmt::join(kIdxNames, ", ")));
    }
    return ByteReader(path);
  });
}

DataSplits load_embedded(const CatalogEntry& entry) {
  return read_splits(entry.name, entry.classes, [&](const std::string& file) {
    const std::string path = fmt::format("{}/{}.gz", entry.name, file);
    return ByteReader(embedded_file(path), path);
  });
}

// Moves the marked examples of `from` to the end of `to` and closes the gaps.
void move_marked(Dataset& from, const std::vector<bool>& marked, Dataset& to) {
  const int64_t pixels = from.image.elements();
  int64_t kept = 0;
  for (int64_t i = 0; i < from.size(); ++i) {
    const auto image = from.images.begin() + i * pixels;
    if (marked[static_cast<size_t>(i)]) {
      to.images.insert(to.images.end(), image, image + pixels);
      to.labels.push_back(from.labels[static_cast<size_t>(i)]);
    } else {
      std::copy(image, image + pixels, from.images.begin() + kept * pixels);
      from.labels[static_cast<size_t>(kept++)] = from.labels[static_cast<size_t>(i)];
    }
  }
  from.images.resize(static_cast<size_t>(kept * pixels));
  from.labels.resize(static_cast<size_t>(kept));
}

}  // namespace

DataSplits load_data(const std::string& name_or_dir, int64_t classes) {
  std::error_code unreadable;
  if (!find_catalog_entry(name_or_dir) && std::filesystem::is_directory(name_or_dir, unreadable)) {
    return load_directory(name_or_dir, name_or_dir, classes);
  }
  const CatalogEntry& entry = catalog_entry(name_or_dir);
  if (entry.embedded) return load_embedded(entry);
  if (!is_fetched(entry)) {
    fail(fmt::format("the data set '{}' is not in {} yet", entry.name,
                     dataset_dir(entry.name).string()),
         fmt::format("cairn data fetch {}", entry.name));
  }
  return load_directory(entry.name, dataset_dir(entry.name), entry.classes);
}

Dataset split_validation(Dataset& train, double fraction, uint64_t seed) {
  if (!(fraction >= 0.0 && fraction < 1.0)) {
    fail_usage(fmt::format("the validation fraction {} is not in [0, 1)", fraction),
               "0.1 takes a tenth of the training set");
  }
  const int64_t size = train.size();
  const int64_t moved = std::min<int64_t>(std::llround(fraction * static_cast<double>(size)),
                                          std::max<int64_t>(size - 1, 0));
  std::vector<bool> marked(static_cast<size_t>(size));
  const PhiloxKey key = philox_key(seed, "validation split");
  for (int64_t i = 0; i < moved; ++i) {
    marked[static_cast<size_t>(permuted_index(key, 0, i, size))] = true;
  }
  Dataset validation{train.name, train.image, train.classes, {}, {}};
  validation.images.reserve(static_cast<size_t>(moved * train.image.elements()));
  validation.labels.reserve(static_cast<size_t>(moved));
  move_marked(train, marked, validation);
  return validation;
}

}  // namespace cairn
