#include "data/byte_reader.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

#include "core/error.h"

namespace cairn {
namespace {

constexpr const char* kFetchAgain =
    "remove the file and fetch it again: `cairn data fetch NAME` does both";
constexpr int kGzipOnly = 16 + MAX_WBITS;

bool starts_member(const uint8_t* bytes, size_t size) {
  return size >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

}  // namespace

struct ByteReader::Inflater {
  z_stream stream{};
  std::array<uint8_t, 1 << 16> input;
  bool in_member = true;
  bool input_ended = false;

  Inflater() {
    if (inflateInit2(&stream, kGzipOnly) != Z_OK) fail("zlib cannot start", "free some memory");
  }
  ~Inflater() { inflateEnd(&stream); }
};

ByteReader::ByteReader(const std::filesystem::path& path)
    : name_(path.string()), file_(nullptr, &std::fclose) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored)) {
    fail(fmt::format("{}: is no regular file", name_), "give the path of a file");
  }
  file_.reset(std::fopen(path.c_str(), "rb"));
  if (!file_) {
    fail(fmt::format("{}: cannot be opened: {}", name_, std::strerror(errno)),
         "check the path and the file's rights");
  }
  open_stream();
}

ByteReader::ByteReader(std::span<const std::byte> bytes, std::string name)
    : name_(std::move(name)),
      file_(fmemopen(const_cast<std::byte*>(bytes.data()), bytes.size(), "rb"), &std::fclose) {
  if (!file_) fail(fmt::format("{}: holds no bytes", name_), kFetchAgain);
  open_stream();
}

ByteReader::ByteReader(ByteReader&&) noexcept = default;
ByteReader::~ByteReader() = default;

void ByteReader::open_stream() {
  std::array<uint8_t, 2> magic{};
  const size_t got = read_raw(magic);
  std::rewind(file_.get());
  if (starts_member(magic.data(), got)) inflater_ = std::make_unique<Inflater>();
}

size_t ByteReader::read(std::span<uint8_t> out) {
  return inflater_ ? read_packed(out) : read_raw(out);
}

std::optional<int64_t> ByteReader::bytes_left() {
  if (inflater_) return std::nullopt;
  const long here = std::ftell(file_.get());
  std::fseek(file_.get(), 0, SEEK_END);
  const long end = std::ftell(file_.get());
  std::fseek(file_.get(), here, SEEK_SET);
  return end - here;
}

size_t ByteReader::read_raw(std::span<uint8_t> out) {
  const size_t got = std::fread(out.data(), 1, out.size(), file_.get());
  if (got < out.size() && std::ferror(file_.get())) {
    fail(fmt::format("{}: reading failed: {}", name_, std::strerror(errno)), "check the disk");
  }
  return got;
}

void ByteReader::refill() {
  z_stream& z = inflater_->stream;
  auto& input = inflater_->input;
  if (z.avail_in > 0) std::memmove(input.data(), z.next_in, z.avail_in);
  const size_t got = read_raw(std::span(input).subspan(z.avail_in));
  inflater_->input_ended = got < input.size() - z.avail_in;
  z.next_in = input.data();
  z.avail_in += static_cast<uInt>(got);
}

// gzip files may be several members in a row; whatever else follows the last one is an error.
size_t ByteReader::read_packed(std::span<uint8_t> out) {
  z_stream& z = inflater_->stream;
  size_t done = 0;
  while (done < out.size()) {
    if (z.avail_in < 2 && !inflater_->input_ended) refill();
    if (!inflater_->in_member) {
      if (z.avail_in == 0) return done;
      if (!starts_member(z.next_in, z.avail_in)) {
        fail(fmt::format("{}: other bytes follow the gzip data", name_), kFetchAgain);
      }
      inflateReset(&z);
      inflater_->in_member = true;
    }
    const size_t room = std::min<size_t>(out.size() - done, INT_MAX);
    z.next_out = out.data() + done;
    z.avail_out = static_cast<uInt>(room);
    const int result = inflate(&z, Z_NO_FLUSH);
    done += room - z.avail_out;
    if (result == Z_STREAM_END) {
      inflater_->in_member = false;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      fail(fmt::format("{}: corrupt gzip data ({})", name_, z.msg ? z.msg : "no reason given"),
           kFetchAgain);
    } else if (z.avail_in == 0 && inflater_->input_ended && z.avail_out > 0) {
      fail(fmt::format("{}: the gzip data is cut short", name_), kFetchAgain);
    }
  }
  return done;
}

}  // namespace cairn
