#include "data/idx.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

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

void check_size(const ByteReader& reader, int64_t left, int64_t size) {
  if (left < size) fail_size(reader, "truncated", size);
  if (left > size) fail_size(reader, "oversized", size);
}

// The rest of the file, exactly `size` bytes. The size of plain data is compared before memory is
// taken; for packed data the memory doubles as bytes come out.
std::vector<uint8_t> read_rest(ByteReader& reader, int64_t size) {
  const auto wanted = static_cast<size_t>(size);
  const auto left = reader.bytes_left();
  if (left) check_size(reader, *left, size);
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

// What the header of a file of images says; the next byte is the first pixel.
IdxImages read_image_header(ByteReader& reader) {
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
  return images;
}

int64_t pixels_of(const IdxImages& images, const ByteReader& reader) {
  const std::string what = fmt::format("{}: the number of pixels", reader.name());
  const int64_t pixels = checked_mul(images.height, images.width, what.c_str());
  return checked_mul(images.count, pixels, what.c_str());
}

class IdxImageFile : public ImageFiles {
 public:
  explicit IdxImageFile(const std::string& name)
      : name_(name), file_(::open(name.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (file_ < 0)
      fail(fmt::format("{}: cannot be opened: {}", name, std::strerror(errno)),
           "check the path and the file's rights");
  }
  ~IdxImageFile() override { ::close(file_); }
  IdxImageFile(const IdxImageFile&) = delete;
  IdxImageFile& operator=(const IdxImageFile&) = delete;

  void read(int64_t row, std::span<uint8_t> to) const override {
    constexpr int64_t kHeader = 16;
    int64_t at = kHeader + row * static_cast<int64_t>(to.size());
    while (!to.empty()) {
      const ssize_t got = ::pread(file_, to.data(), to.size(), at);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0)
        fail(fmt::format("{}: reading failed: {}", name_, std::strerror(errno)), "check the disk");
      if (got == 0)
        fail(fmt::format("{}: image {} is gone, the file was cut short", name_, row),
             "data must not change while it is streamed: put the former file back");
      at += got;
      to = to.subspan(static_cast<size_t>(got));
    }
  }

 private:
  std::string name_;
  int file_;
};

}  // namespace

IdxImages read_idx_images(ByteReader reader) {
  IdxImages images = read_image_header(reader);
  images.pixels = read_rest(reader, pixels_of(images, reader));
  return images;
}

IdxImages open_idx_images(ByteReader reader) {
  const auto bytes = reader.bytes_left();
  if (!bytes)
    fail(fmt::format("{} is packed: images are streamed from plain files", reader.name()),
         fmt::format("unpack it: gunzip -k {}; or leave out --source streamed", reader.name()));
  IdxImages images = read_image_header(reader);
  check_size(reader, *reader.bytes_left(), pixels_of(images, reader));
  images.file = std::make_shared<IdxImageFile>(reader.name());
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
