#include "data/idx.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/shape.h"

namespace cairn {
namespace {

constexpr const char* kCheckFile =
    "check that this is the right file, and whole; `cairn data fetch NAME` replaces a set of the "
    "catalog";
constexpr size_t kFirstChunk = 1 << 20;

uint32_t big_endian(const uint8_t* b) {
  return uint32_t{b[0]} << 24 | uint32_t{b[1]} << 16 | uint32_t{b[2]} << 8 | b[3];
}

uint32_t read_word(ByteReader& reader) {
  std::array<uint8_t, 4> bytes{};
  if (reader.read(bytes) < bytes.size()) {
    fail(fmt::format("{}: truncated, the IDX header is cut short", reader.name()), kCheckFile);
  }
  return big_endian(bytes.data());
}

void check_magic(ByteReader& reader, uint32_t expected, const char* kind) {
  const uint32_t magic = read_word(reader);
  if (magic == expected) return;
  fail(fmt::format("{}: wrong magic number 0x{:x}, IDX {} start with 0x{:x}", reader.name(), magic,
                   kind, expected),
       magic == kIdxImages || magic == kIdxLabels ? "images and labels are mixed up" : kCheckFile);
}

[[noreturn]] void fail_size(const ByteReader& reader, const char* problem, int64_t expected) {
  fail(fmt::format("{}: {}, its header announces {} bytes of data", reader.name(), problem,
                   expected),
       kCheckFile);
}

// The rest of the file, exactly `size` bytes. The size of plain data is compared before memory is
// taken; for packed data the memory doubles as bytes come out.
std::vector<uint8_t> read_rest(ByteReader& reader, int64_t size) {
  const auto wanted = static_cast<size_t>(size);
  const auto left = reader.bytes_left();
  if (left && *left < size) fail_size(reader, "truncated", size);
  if (left && *left > size) fail_size(reader, "oversized", size);
  std::vector<uint8_t> bytes(left ? wanted : std::min(wanted, kFirstChunk));
  size_t done = 0;
  while (true) {
    const size_t got = reader.read(std::span(bytes).subspan(done));
    done += got;
    if (done == wanted) break;
    if (done < bytes.size()) fail_size(reader, "truncated", size);
    bytes.resize(std::min(wanted, 2 * bytes.size()));
  }
  std::array<uint8_t, 1> beyond;
  if (reader.read(beyond) > 0) fail_size(reader, "oversized", size);
  return bytes;
}

}  // namespace

IdxImages read_idx_images(ByteReader reader) {
  check_magic(reader, kIdxImages, "images");
  IdxImages images;
  images.count = read_word(reader);
  images.height = read_word(reader);
  images.width = read_word(reader);
  if (images.count == 0 || images.height == 0 || images.width == 0) {
    fail(fmt::format("{}: holds no pixels ({} images of {}x{})", reader.name(), images.count,
                     images.height, images.width),
         kCheckFile);
  }
  const std::string what = fmt::format("{}: the number of pixels", reader.name());
  const int64_t pixels = checked_mul(images.height, images.width, what.c_str());
  images.pixels = read_rest(reader, checked_mul(images.count, pixels, what.c_str()));
  return images;
}

std::vector<uint8_t> read_idx_labels(ByteReader reader, int64_t classes) {
  check_magic(reader, kIdxLabels, "labels");
  const int64_t count = read_word(reader);
  if (count == 0) fail(fmt::format("{}: holds no labels", reader.name()), kCheckFile);
  std::vector<uint8_t> labels = read_rest(reader, count);
  const auto wrong = std::ranges::find_if(labels, [&](uint8_t label) { return label >= classes; });
  if (wrong != labels.end()) {
    fail(fmt::format("{}: label {} of example {} is out of range, there are {} classes",
                     reader.name(), *wrong, wrong - labels.begin(), classes),
         fmt::format("labels must lie in 0..{}", classes - 1));
  }
  return labels;
}

std::filesystem::path find_idx_file(const std::filesystem::path& directory,
                                    const std::string& name) {
  std::string dotted = name;
  if (const size_t dash = dotted.find("-idx"); dash != std::string::npos) dotted[dash] = '.';
  for (const std::string& candidate : {name, dotted, name + ".gz", dotted + ".gz"}) {
    std::error_code unreadable;
    if (std::filesystem::exists(directory / candidate, unreadable)) return directory / candidate;
  }
  return {};
}

}  // namespace cairn
