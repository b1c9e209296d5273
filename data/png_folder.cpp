#include "data/png_folder.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "io/png.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostFolders = 256;
constexpr double kTestPart = 0.2;

/// What a directory holds in the order of the names, hidden entries aside.
std::vector<fs::path> entries_of(const fs::path& directory) {
  std::error_code error;
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(directory, error))
    if (!entry.path().filename().string().starts_with('.')) entries.push_back(entry.path());
  if (error)
    fail(fmt::format("{} can't be read: {}", directory.string(), error.message()),
         "check the folder's rights");
  std::ranges::sort(entries);
  return entries;
}

std::vector<fs::path> folders_of(const fs::path& directory) {
  std::vector<fs::path> entries = entries_of(directory);
  std::erase_if(entries, [](const fs::path& path) {
    std::error_code unreadable;
    return !fs::is_directory(path, unreadable);
  });
  return entries;
}

bool is_png_name(const fs::path& file) {
  std::string ending = file.extension().string();
  std::ranges::transform(ending, ending.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return ending == ".png";
}

std::string described(const Shape& image) {
  return fmt::format("{} x {} pixels, {}", image[2], image[1], image[0] == 1 ? "grey" : "colour");
}

/// Decodes each image when it is wanted.
class PngFiles : public ImageFiles {
 public:
  std::vector<fs::path> files;
  fs::path first;  // gave the set its size
  Shape image;

  void read(int64_t row, std::span<uint8_t> to) const override {
    const fs::path& file = files[static_cast<size_t>(row)];
    const PngImage png = read_png(file);
    const Shape shape{png.channels, png.height, png.width};
    if (shape != image)
      fail(
          fmt::format("{} is {}, but {} is {}", file.string(), described(shape), first.string(),
                      described(image)),
          "all images must have one size, and be grey or all in colour: convert those that differ, "
          "or move them away");
    std::ranges::copy(png.pixels, to.begin());
  }
};

/// Lists the images of all class folders, and their labels in `part`, whose class_names say which
/// label each has.
PngFiles list_classes(Dataset& part, const std::vector<fs::path>& folders) {
  PngFiles images;
  for (const fs::path& folder : folders) {
    const std::string name = folder.filename().string();
    const auto at = std::ranges::find(part.class_names, name);
    if (at == part.class_names.end())
      fail(fmt::format("{} is a class that the training part doesn't have", folder.string()),
           "the folders of both parts must have the same names");
    const int64_t before = part.size();
    for (const fs::path& file : entries_of(folder)) {
      if (!is_png_name(file))
        fail(fmt::format("{} is no PNG file", file.string()),
             "the folder of a class holds *.png files alone: convert it, or move it away");
      images.files.push_back(file);
      part.labels.push_back(static_cast<uint8_t>(at - part.class_names.begin()));
    }
    if (part.size() == before)
      fail(fmt::format("{} holds no images", folder.string()),
           "put *.png files there, or remove the folder");
  }
  return images;
}

void read_all(Dataset& part, const PngFiles& files) {
  const auto bytes = static_cast<size_t>(part.image.elements());
  for (int64_t n = 0; n < part.size(); ++n) {
    part.images.resize(part.images.size() + bytes);
    files.read(n, std::span(part.images).last(bytes));
  }
}

}  // namespace

bool holds_folders(const fs::path& directory) { return !folders_of(directory).empty(); }

DataSplits load_png_folder(const std::string& name, const fs::path& directory, uint64_t seed,
                           bool streamed) {
  std::error_code unreadable;
  const bool in_parts = fs::is_directory(directory / "train", unreadable) &&
                        fs::is_directory(directory / "test", unreadable);
  const std::vector<fs::path> folders = folders_of(in_parts ? directory / "train" : directory);
  if (folders.size() < 2 || folders.size() > kMostFolders)
    fail(fmt::format("{} holds {} folders of classes; there must be 2 to {}",
                     (in_parts ? directory / "train" : directory).string(), folders.size(),
                     kMostFolders),
         "make a folder for each class, with its images as *.png; or train/ and test/ that hold "
         "such folders");
  DataSplits splits{{name, {}, static_cast<int64_t>(folders.size()), {}, {}}, {}};
  for (const fs::path& folder : folders)
    splits.train.class_names.push_back(folder.filename().string());
  const auto files = std::make_shared<PngFiles>(list_classes(splits.train, folders));
  files->first = files->files.front();
  const PngImage first = read_png(files->first);
  splits.train.image = files->image = {first.channels, first.height, first.width};
  if (streamed)
    splits.train.files = files;
  else
    read_all(splits.train, *files);
  if (in_parts) {
    splits.test = {name, splits.train.image,      splits.train.classes, {},
                   {},   splits.train.class_names};
    PngFiles test = list_classes(splits.test, folders_of(directory / "test"));
    test.first = files->first, test.image = files->image;
    if (splits.test.size() == 0)
      fail(fmt::format("{} holds no folders of classes", (directory / "test").string()),
           "put a folder with test images there for each class");
    read_all(splits.test, test);
    return splits;
  }
  const int64_t all = splits.train.size();
  splits.test = split_validation(splits.train, kTestPart, seed, "test split");
  if (splits.test.size() == 0)
    fail(fmt::format("{} holds {} images: too few to set some aside for testing",
                     directory.string(), all),
         "add images");
  splits.note = fmt::format(
      "{} has no train/ and test/: {} of its {} images, chosen by the seed, "
      "are the test part",
      directory.string(), splits.test.size(), all);
  return splits;
}

}  // namespace cairn
