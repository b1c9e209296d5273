#include "data/cifar.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "io/files.h"
#include "io/json.h"
#include "io/png.h"

namespace cairn {
namespace {

const auto kPlane = static_cast<size_t>(kCifarImage[1] * kCifarImage[2]);
const size_t kRecord = 1 + 3 * kPlane;

}  // namespace

void read_cifar(ByteReader reader, int64_t classes, CifarImages& to) {
  std::vector<uint8_t> record(kRecord);
  int64_t n = 0;
  while (const size_t got = reader.read(record)) {
    if (got < kRecord)
      fail(fmt::format("{}: record {} has {} bytes, not {}", reader.name(), n, got, kRecord),
           "get the file again");
    if (record[0] >= classes)
      fail(fmt::format("{}: the label of record {} is {}, not below {}", reader.name(), n,
                       record[0], classes),
           "a file of CIFAR-10 holds a label of one byte, then 3072 pixels, for each image");
    to.labels.push_back(record[0]);
    to.pixels.insert(to.pixels.end(), record.begin() + 1, record.end());
    ++n;
  }
  if (n == 0) fail(fmt::format("{}: there is no image in it", reader.name()), "get the file again");
}

void write_cifar(const std::filesystem::path& picture, const std::filesystem::path& labels,
                 int64_t first, const std::filesystem::path& to) {
  const PngImage image = read_png(picture);
  const Json list = Json::parse(read_file(labels), labels.string());
  const Json::Array& all = list.as_array();
  if (image.channels != 3 || image.width != static_cast<int64_t>(kPlane))
    fail(fmt::format("{} has {} channels and {} columns, not 3 and {}", picture.string(),
                     image.channels, image.width, kPlane));
  if (first < 0 || std::ssize(all) < first + image.height)
    fail(fmt::format("{} holds {} labels, but {} has images {} to {}", labels.string(), all.size(),
                     picture.string(), first, first + image.height - 1));
  std::string records;
  records.reserve(static_cast<size_t>(image.height) * kRecord);
  for (int64_t n = 0; n < image.height; ++n) {
    const int64_t label = all[static_cast<size_t>(first + n)].as_int();
    records.push_back(static_cast<char>(label));
    for (int64_t c = 0; c < 3; ++c) {
      const auto* row = image.pixels.data() + (c * image.height + n) * image.width;
      records.append(reinterpret_cast<const char*>(row), kPlane);
    }
  }
  write_file_atomic(to, records);
}

}  // namespace cairn
