#include "io/safetensors_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

#include "core/error.h"
#include "io/utf8.h"

namespace cairn {
namespace {

struct DTypeCode {
  std::string_view code;
  DType dtype;
};
constexpr std::array<DTypeCode, 6> kCodes = {{{"F32", DType::f32},
                                              {"F64", DType::f64},
                                              {"BF16", DType::bf16},
                                              {"U8", DType::u8},
                                              {"I32", DType::i32},
                                              {"I64", DType::i64}}};
/// What the format has beside them.
constexpr std::array<std::string_view, 9> kForeign = {"BOOL", "F16", "I8",      "I16",    "U16",
                                                      "U32",  "U64", "F8_E4M3", "F8_E5M2"};

/// Reads the header from its first byte to its last.
class Parser {
 public:
  Parser(std::string_view text, std::string_view buffer, const std::string& what)
      : text_(text), buffer_(buffer), what_(what) {}

  SafetensorsHeader parse() {
    members("the header", [this](std::string name) {
      if (name != kMetadataKey) return entry(std::move(name));
      if (std::exchange(has_metadata_, true)) refuse("the metadata stands twice");
      metadata();
    });
    skip_space();
    if (at_ != text_.size()) refuse("text follows the header's closing brace");
    check_metadata_keys();
    return std::move(header_);
  }

 private:
  [[noreturn]] void refuse(const std::string& reason) const {
    const std::string tensor =
        name_ ? fmt::format(" tensor {}:", quoted_name(*name_)) : std::string();
    fail(fmt::format("{}:{} {} (byte {} of the header)", what_, tensor, reason, at_),
         kBadSafetensors);
  }

  void skip_space() {
    while (at_ < text_.size() && std::strchr(" \t\n\r", text_[at_]) && text_[at_] != '\0') ++at_;
  }

  bool take(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void need(char c, std::string_view of) {
    if (take(c)) return;
    if (at_ == text_.size()) refuse(fmt::format("{} ends where '{}' belongs", of, c));
    refuse(fmt::format("{} has {} where '{}' belongs", of, quoted_name(text_.substr(at_, 1)), c));
  }

  template <class F>
  void members(std::string_view of, F each) {
    need('{', of);
    if (take('}')) return;
    do {
      std::string key = string("a key of " + std::string(of));
      need(':', of);
      each(std::move(key));
    } while (take(','));
    need('}', of);
  }

  template <class F>
  void items(std::string_view of, F each) {
    need('[', of);
    if (take(']')) return;
    do {
      each(whole_number(of));
    } while (take(','));
    need(']', of);
  }

  int64_t whole_number(std::string_view of) {
    skip_space();
    const size_t end = std::min(text_.find_first_of(",]} \t\n\r", at_), text_.size());
    const std::string_view digits = text_.substr(at_, end - at_);
    const bool plain = !digits.empty() &&
                       digits.find_first_not_of("0123456789") == std::string_view::npos &&
                       (digits.size() == 1 || digits[0] != '0');
    int64_t value = 0;
    const auto [stop, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (!plain || code != std::errc())
      refuse(fmt::format("{} has {} where a whole number from 0 to 2^63 - 1 belongs", of,
                         quoted_name(digits)));
    at_ = end;
    return value;
  }

  std::string string(std::string_view of) {
    need('"', of);
    size_t end = at_;
    while (end < text_.size() && text_[end] != '"') end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size()) refuse(fmt::format("{} is a string without an end", of));
    const std::string_view raw = text_.substr(at_, end - at_);
    text_bytes_ += raw.size();
    if (text_bytes_ > kMaxSafetensorsText)
      refuse(fmt::format("names and metadata have more than {} bytes", kMaxSafetensorsText));
    std::optional<std::string> value = unescaped_json(raw);
    if (!value) refuse(fmt::format("{} is no string of JSON in UTF-8", of));
    at_ = end + 1;
    return std::move(*value);
  }

  void count_entry() {
    if (++entries_ > kMaxSafetensorsEntries)
      refuse(fmt::format("the header has more than {} entries", kMaxSafetensorsEntries));
  }

  void metadata() {
    members("the metadata", [this](std::string key) {
      count_entry();
      std::string value = string("the metadata's value");
      header_.metadata.emplace_back(std::move(key), std::move(value));
    });
  }

  void check_metadata_keys() const {
    std::vector<std::string_view> keys;
    for (const auto& [key, value] : header_.metadata) keys.push_back(key);
    std::ranges::sort(keys);
    const auto twice = std::ranges::adjacent_find(keys);
    if (twice != keys.end())
      refuse(fmt::format("the metadata has the key {} twice", quoted_name(*twice)));
  }

  void entry(std::string name) {
    name_ = &name;
    if (name.size() > kMaxSafetensorsName)
      refuse(fmt::format("its name has more than {} bytes", kMaxSafetensorsName));
    count_entry();
    std::optional<DType> dtype;
    std::optional<Shape> shape;
    std::optional<std::pair<int64_t, int64_t>> offsets;
    const auto once = [this](bool had, std::string_view key) {
      if (had) refuse(fmt::format("{} stands twice", key));
    };
    members("its entry", [&](const std::string& key) {
      if (key == "dtype")
        once(dtype.has_value(), key), dtype = read_dtype();
      else if (key == "shape")
        once(shape.has_value(), key), shape = read_shape();
      else if (key == "data_offsets")
        once(offsets.has_value(), key), offsets = read_offsets();
      else
        refuse(fmt::format("its entry has the unknown key {}", quoted_name(key)));
    });
    if (!dtype) refuse("dtype is missing");
    if (!shape) refuse("shape is missing");
    if (!offsets) refuse("data_offsets are missing");
    add(name, *dtype, *shape, *offsets);
  }

  DType read_dtype() {
    const std::string code = string("dtype");
    for (const DTypeCode& row : kCodes)
      if (row.code == code) return row.dtype;
    refuse(
        std::ranges::find(kForeign, code) == kForeign.end()
            ? fmt::format("unknown dtype {}", quoted_name(code))
            : fmt::format("dtype {} is none that Cairn has: F32, F64, BF16, U8, I32, I64", code));
  }

  Shape read_shape() {
    std::vector<int64_t> dims;
    items("shape", [&](int64_t size) {
      if (dims.size() == size_t{kMaxRank})
        refuse(fmt::format("shape has more than {} dimensions", kMaxRank));
      dims.push_back(size);
    });
    return Shape(dims);
  }

  std::pair<int64_t, int64_t> read_offsets() {
    std::array<int64_t, 2> at{};
    size_t count = 0;
    items("data_offsets", [&](int64_t value) {
      if (count == 2) refuse("data_offsets have more than 2 numbers");
      at[count++] = value;
    });
    if (count != 2) refuse(fmt::format("data_offsets have {} numbers, not 2", count));
    return {at[0], at[1]};
  }

  /// Leaves `name` empty.
  void add(std::string& name, DType dtype, const Shape& shape,
           std::pair<int64_t, int64_t> offsets) {
    const auto [begin, end] = offsets;
    if (begin > end)
      refuse(fmt::format("data_offsets end at {} before they begin at {}", end, begin));
    if (static_cast<uint64_t>(end) > buffer_.size())
      refuse(fmt::format("data_offsets end at {}, but the file has {} bytes of data", end,
                         buffer_.size()));
    int64_t size = 0;
    try {
      size = bytes_of(dtype, shape);
    } catch (const Error& error) {
      refuse(error.what());
    }
    if (end - begin != size)
      refuse(fmt::format("{} {} needs {} bytes, but data_offsets span {}", name_of(dtype),
                         to_string(shape), size, end - begin));
    const auto data = std::as_bytes(std::span(buffer_.data() + begin, static_cast<size_t>(size)));
    name_ = nullptr;
    header_.tensors.push_back({std::move(name), dtype, shape, data});
  }

  std::string_view text_, buffer_;
  const std::string& what_;
  size_t at_ = 0;
  size_t text_bytes_ = 0, entries_ = 0;
  bool has_metadata_ = false;
  const std::string* name_ = nullptr;  // of the tensor whose entry is read
  SafetensorsHeader header_;
};

}  // namespace

std::string_view safetensors_code(DType dtype) {
  return std::ranges::find(kCodes, dtype, &DTypeCode::dtype)->code;
}

int64_t bytes_of(DType dtype, const Shape& shape) {
  return checked_mul(shape.elements(), static_cast<int64_t>(size_of(dtype)),
                     "the number of bytes of a tensor");
}

SafetensorsHeader parse_safetensors_header(std::string_view text, std::string_view buffer,
                                           const std::string& what) {
  return Parser(text, buffer, what).parse();
}

void check_safetensors_cover(const std::vector<TensorRecord>& tensors, std::string_view buffer,
                             const std::string& what) {
  std::vector<const TensorRecord*> order;
  order.reserve(tensors.size());
  for (const TensorRecord& tensor : tensors) order.push_back(&tensor);
  const auto end_of = [](const TensorRecord& t) { return t.data.data() + t.data.size(); };
  std::ranges::sort(order, [&](const TensorRecord* a, const TensorRecord* b) {
    return std::pair(a->data.data(), end_of(*a)) < std::pair(b->data.data(), end_of(*b));
  });
  const std::byte* at = std::as_bytes(std::span(buffer)).data();
  const std::byte* end = at + buffer.size();
  for (const TensorRecord* tensor : order) {
    const std::ptrdiff_t gap = tensor->data.data() - at;
    const std::string name = gap == 0 ? std::string() : quoted_name(tensor->name);
    if (gap < 0)
      fail(fmt::format("{}: tensor {}: overlaps another tensor by {} bytes", what, name, -gap),
           kBadSafetensors);
    if (gap > 0)
      fail(fmt::format("{}: tensor {}: {} bytes before it belong to no tensor", what, name, gap),
           kBadSafetensors);
    at = end_of(*tensor);
  }
  if (at == end) return;
  const std::string last =
      order.empty() ? "the header" : fmt::format("tensor {}", quoted_name(order.back()->name));
  fail(fmt::format("{}: {} bytes after {} belong to none", what, end - at, last), kBadSafetensors);
}

}  // namespace cairn
