#include "data/dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>

#include "core/error.h"
#include "core/random.h"
#include "data/cache.h"
#include "data/catalog.h"
#include "data/cifar.h"
#include "data/embedded.h"
#include "data/idx.h"
#include "data/png_folder.h"

namespace cairn {
namespace {

constexpr std::array<const char*, 4> kIdxNames = {
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte"};

using OpenFile = std::function<ByteReader(const std::string& file)>;

Dataset read_part(const std::string& name, int64_t classes, ByteReader images_file,
                  ByteReader labels_file, bool streamed) {
  const std::string images_name = images_file.name(), labels_name = labels_file.name();
  IdxImages images =
      streamed ? open_idx_images(std::move(images_file)) : read_idx_images(std::move(images_file));
  Dataset part{name, Shape{1, images.height, images.width}, classes, std::move(images.pixels),
               read_idx_labels(std::move(labels_file), classes)};
  if (part.size() != images.count) {
    fail(fmt::format("{} holds {} images but {} holds {} labels", images_name, images.count,
                     labels_name, part.size()),
         "the two files must belong together");
  }
  part.files = std::move(images.file);
  return part;
}

DataSplits read_splits(const std::string& name, int64_t classes, bool streamed,
                       const OpenFile& open) {
  const auto part = [&](size_t first, bool stream) {
    ByteReader images = open(kIdxNames[first]);  // before the labels, whatever the compiler's order
    return read_part(name, classes, std::move(images), open(kIdxNames[first + 1]), stream);
  };
  DataSplits splits{part(0, streamed), part(2, false)};
  if (splits.train.image != splits.test.image) {
    fail(fmt::format("{}: training images are {} but test images are {}", name,
                     to_string(splits.train.image), to_string(splits.test.image)),
         "the files must belong together");
  }
  return splits;
}

DataSplits load_directory(const std::string& name, const std::filesystem::path& directory,
                          int64_t classes, bool streamed) {
  return read_splits(name, classes, streamed, [&](const std::string& file) {
    const std::filesystem::path path = find_idx_file(directory, file);
    if (path.empty()) {
      fail(fmt::format("{}: there is no {}", directory.string(), file),
           fmt::format("a data directory holds {}, plain or .gz; or a folder of PNG files for each "
                       "class",
                       fmt::join(kIdxNames, ", ")));
    }
    return ByteReader(path);
  });
}

constexpr char kCifarTest[] = "test_batch.bin";

/// data_batch_1.bin and so on, as many as there are, and test_batch.bin.
DataSplits load_cifar(const std::string& name, const std::filesystem::path& directory,
                      int64_t classes) {
  const auto part = [&](const std::vector<std::filesystem::path>& files) {
    CifarImages read;
    for (const std::filesystem::path& file : files) read_cifar(ByteReader(file), classes, read);
    return Dataset{name, kCifarImage, classes, std::move(read.pixels), std::move(read.labels)};
  };
  std::vector<std::filesystem::path> training;
  for (;;) {
    const std::string file = fmt::format("data_batch_{}.bin", training.size() + 1);
    const std::filesystem::path found = find_idx_file(directory, file);
    if (found.empty()) break;
    training.push_back(found);
  }
  if (training.empty())
    fail(fmt::format("{}: there is no data_batch_1.bin", directory.string()),
         "CIFAR's binary files are data_batch_1.bin and so on, and test_batch.bin");
  return {part(training), part({find_idx_file(directory, kCifarTest)})};
}

DataSplits load_embedded(const CatalogEntry& entry) {
  return read_splits(entry.name, entry.classes, false, [&](const std::string& file) {
    const std::string path = fmt::format("{}/{}.gz", entry.name, file);
    return ByteReader(embedded_file(path), path);
  });
}

void refuse_streamed(const std::string& name, bool streamed) {
  if (streamed)
    fail(fmt::format("{}: CIFAR's files can't be streamed", name),
         "leave out --source: all its images take 184 MB of memory");
}

/// Moves the marked rows of `size` elements each to the end of `to` and closes the gaps.
template <class T>
void move_rows(std::vector<T>& from, const std::vector<bool>& marked, int64_t size,
               std::vector<T>& to) {
  int64_t kept = 0;
  for (size_t i = 0; i < marked.size(); ++i) {
    const auto row = from.begin() + static_cast<int64_t>(i) * size;
    if (marked[i])
      to.insert(to.end(), row, row + size);
    else
      std::copy(row, row + size, from.begin() + size * kept++);
  }
  from.resize(static_cast<size_t>(kept * size));
}

/// Some of the images, in order.
class ChosenFiles : public ImageFiles {
 public:
  ChosenFiles(std::shared_ptr<const ImageFiles> all, std::vector<int64_t> rows)
      : all_(std::move(all)), rows_(std::move(rows)) {}

  void read(int64_t row, std::span<uint8_t> to) const override {
    all_->read(rows_[static_cast<size_t>(row)], to);
  }

 private:
  std::shared_ptr<const ImageFiles> all_;
  std::vector<int64_t> rows_;
};

/// As move_rows(), from files into memory.
void read_rows(Dataset& from, const std::vector<bool>& marked, Dataset& to) {
  const auto bytes = static_cast<size_t>(from.image.elements());
  std::vector<int64_t> kept;
  for (size_t i = 0; i < marked.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    if (!marked[i]) {
      kept.push_back(row);
      continue;
    }
    to.images.resize(to.images.size() + bytes);
    from.files->read(row, std::span(to.images).last(bytes));
  }
  from.files = std::make_shared<ChosenFiles>(std::move(from.files), std::move(kept));
}

}  // namespace

void read_example(const Dataset& data, int64_t row, std::span<uint8_t> to) {
  if (data.files) return data.files->read(row, to);
  const size_t at = static_cast<size_t>(row) * to.size();
  const auto* values = reinterpret_cast<const uint8_t*>(data.values.data());
  std::memcpy(to.data(), (data.dtype == DType::f32 ? values : data.images.data()) + at, to.size());
}

std::string class_name(const std::vector<std::string>& class_names, int64_t k) {
  return class_names.empty() ? fmt::to_string(k) : class_names.at(static_cast<size_t>(k));
}

DataSplits load_data(const std::string& name_or_dir, int64_t classes, uint64_t seed,
                     bool streamed) {
  std::error_code unreadable;
  const bool is_known = find_catalog_entry(name_or_dir);
  if (!is_known && std::filesystem::is_directory(name_or_dir, unreadable)) {
    if (!find_idx_file(name_or_dir, kCifarTest).empty()) {
      refuse_streamed(name_or_dir, streamed);
      return load_cifar(name_or_dir, name_or_dir, classes);
    }
    if (find_idx_file(name_or_dir, kIdxNames[0]).empty() && holds_folders(name_or_dir))
      return load_png_folder(name_or_dir, name_or_dir, seed, streamed);
    return load_directory(name_or_dir, name_or_dir, classes, streamed);
  }
  if (!is_known)
    fail_usage(fmt::format("no data set or directory is called '{}'", name_or_dir),
               fmt::format("{}; or give a directory of IDX files, or of a folder of PNG files for "
                           "each class",
                           known_data_sets(name_or_dir)));
  const CatalogEntry& entry = catalog_entry(name_or_dir);
  if (entry.embedded) return load_embedded(entry);
  if (!is_fetched(entry)) {
    fail(fmt::format("the data set '{}' is not in {} yet", entry.name,
                     dataset_dir(entry.name).string()),
         how_to_get(entry));
  }
  const bool cifar = entry.format == DataFormat::cifar;
  if (cifar) refuse_streamed(entry.name, streamed);
  DataSplits splits =
      cifar ? load_cifar(entry.name, find_dataset_dir(entry), entry.classes)
            : load_directory(entry.name, find_dataset_dir(entry), entry.classes, streamed);
  splits.train.class_names = splits.test.class_names = entry.class_names;
  return splits;
}

int64_t validation_size(int64_t size, double fraction) {
  if (!(fraction >= 0.0 && fraction < 1.0)) {
    fail_usage(fmt::format("the validation fraction {} is not in [0, 1)", fraction),
               "0.1 takes a tenth of the training set");
  }
  return std::min<int64_t>(std::llround(fraction * static_cast<double>(size)),
                           std::max<int64_t>(size - 1, 0));
}

Dataset split_validation(Dataset& train, double fraction, uint64_t seed, std::string_view part) {
  const int64_t size = train.size(), moved = validation_size(size, fraction);
  std::vector<bool> marked(static_cast<size_t>(size));
  const PhiloxKey key = philox_key(seed, part);
  for (int64_t i = 0; i < moved; ++i) {
    marked[static_cast<size_t>(permuted_index(key, 0, i, size))] = true;
  }
  Dataset validation{train.name, train.image,       train.classes, {},
                     {},         train.class_names, train.dtype};
  const int64_t elements = train.image.elements();
  if (train.files)
    read_rows(train, marked, validation);
  else if (train.dtype == DType::f32)
    move_rows(train.values, marked, elements, validation.values);
  else
    move_rows(train.images, marked, elements, validation.images);
  move_rows(train.labels, marked, 1, validation.labels);
  return validation;
}

}  // namespace cairn
