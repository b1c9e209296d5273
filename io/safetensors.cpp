#include "io/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <unordered_set>

#include "core/error.h"
#include "io/files.h"
#include "io/json.h"

namespace cairn {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kMaxHeader = 100'000'000;
constexpr const char* kMetadataKey = "__metadata__";
constexpr const char* kBadFile = "take an intact copy of the file, or write it again";

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

std::string_view code_of(DType dtype) {
  return std::find_if(kCodes.begin(), kCodes.end(),
                      [&](const DTypeCode& row) { return row.dtype == dtype; })
      ->code;
}

DType dtype_named(const std::string& code) {
  for (const DTypeCode& row : kCodes) {
    if (row.code == code) return row.dtype;
  }
  fail(fmt::format("unknown dtype \"{}\"", code));
}

int64_t bytes_of(DType dtype, const Shape& shape) {
  return checked_mul(shape.elements(), static_cast<int64_t>(size_of(dtype)),
                     "the number of bytes of a tensor");
}

Json header_entry(const TensorRecord& tensor, int64_t begin, int64_t end) {
  Json::Array shape;
  for (const int64_t size : tensor.shape.dims()) shape.emplace_back(size);
  return Json::Object{{"dtype", code_of(tensor.dtype)},
                      {"shape", std::move(shape)},
                      {"data_offsets", Json::Array{begin, end}}};
}

Json metadata_entry(const Metadata& metadata) {
  std::unordered_set<std::string> seen;
  Json::Object object;
  for (const auto& [key, value] : metadata) {
    if (!seen.insert(key).second) {
      fail(fmt::format("the metadata key \"{}\" was given twice", key), "give every key once");
    }
    object.emplace_back(key, value);
  }
  return object;
}

std::string header_text(std::span<const TensorRecord> tensors, const Metadata& metadata) {
  Json::Object header;
  if (!metadata.empty()) header.emplace_back(kMetadataKey, metadata_entry(metadata));
  std::unordered_set<std::string> seen = {kMetadataKey};
  int64_t offset = 0;
  for (const TensorRecord& tensor : tensors) {
    if (!seen.insert(tensor.name).second) {
      fail(fmt::format("two tensors of one file are called \"{}\"", tensor.name),
           fmt::format("give every tensor its own name; {} is reserved", kMetadataKey));
    }
    const int64_t size = bytes_of(tensor.dtype, tensor.shape);
    if (static_cast<uint64_t>(size) != tensor.data.size()) {
      fail(fmt::format("tensor \"{}\" {} {} needs {} bytes, but {} were given", tensor.name,
                       name_of(tensor.dtype), to_string(tensor.shape), size, tensor.data.size()),
           "hand over the whole tensor, dense");
    }
    header.emplace_back(tensor.name, header_entry(tensor, offset, offset + size));
    offset += size;
  }
  std::string text = Json(std::move(header)).dump(-1);
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');
  return text;
}

int64_t integer(const Json& value, std::string_view what) {
  if (!value.is_integer() || value.as_int() < 0) {
    fail(fmt::format("{} holds {} where a whole number >= 0 belongs", what, value.dump(-1)));
  }
  return value.as_int();
}

/// The record that one header entry describes. Its errors name neither file nor tensor.
TensorRecord read_entry(const std::string& name, const Json& entry, std::string_view buffer) {
  if (entry.as_object().size() != 3) {
    fail("its entry must have dtype, shape and data_offsets, and nothing else");
  }
  TensorRecord record;
  record.name = name;
  record.dtype = dtype_named(entry.at("dtype").as_string());
  std::vector<int64_t> dims;
  for (const Json& size : entry.at("shape").as_array()) dims.push_back(integer(size, "shape"));
  record.shape = Shape(dims);

  const Json::Array& offsets = entry.at("data_offsets").as_array();
  if (offsets.size() != 2) fail(fmt::format("data_offsets has {} numbers, not 2", offsets.size()));
  const int64_t begin = integer(offsets[0], "data_offsets");
  const int64_t end = integer(offsets[1], "data_offsets");
  if (begin > end) fail(fmt::format("data_offsets end at {} before they begin at {}", end, begin));
  if (static_cast<uint64_t>(end) > buffer.size()) {
    fail(fmt::format("data_offsets end at {}, but the file has {} bytes of data", end,
                     buffer.size()));
  }
  const int64_t size = bytes_of(record.dtype, record.shape);
  if (end - begin != size) {
    fail(fmt::format("{} {} needs {} bytes, but data_offsets span {}", name_of(record.dtype),
                     to_string(record.shape), size, end - begin));
  }
  record.data = std::as_bytes(std::span(buffer.data() + begin, static_cast<size_t>(size)));
  return record;
}

Metadata read_metadata(const Json& entry) {
  Metadata metadata;
  for (const auto& [key, value] : entry.as_object()) metadata.emplace_back(key, value.as_string());
  return metadata;
}

/// An Error unless the tensors cover the buffer without holes and overlaps.
void check_cover(const std::vector<TensorRecord>& tensors, std::string_view buffer,
                 const std::string& what) {
  std::vector<const TensorRecord*> order;
  for (const TensorRecord& tensor : tensors) order.push_back(&tensor);
  const auto end_of = [](const TensorRecord& t) { return t.data.data() + t.data.size(); };
  std::sort(order.begin(), order.end(), [&](const TensorRecord* a, const TensorRecord* b) {
    return std::pair(a->data.data(), end_of(*a)) < std::pair(b->data.data(), end_of(*b));
  });
  const std::byte* at = std::as_bytes(std::span(buffer)).data();
  const std::byte* end = at + buffer.size();
  for (const TensorRecord* tensor : order) {
    const std::ptrdiff_t gap = tensor->data.data() - at;
    if (gap < 0) {
      fail(fmt::format("{}: tensor \"{}\": overlaps another tensor by {} bytes", what, tensor->name,
                       -gap),
           kBadFile);
    }
    if (gap > 0) {
      fail(fmt::format("{}: tensor \"{}\": {} bytes before it belong to no tensor", what,
                       tensor->name, gap),
           kBadFile);
    }
    at = end_of(*tensor);
  }
  if (at != end) {
    fail(fmt::format("{}: {} bytes after the last tensor belong to none", what, end - at),
         kBadFile);
  }
}

/// The header's text, once its length is known to be sound.
std::string_view header_of(std::string_view bytes, const std::string& what) {
  if (bytes.size() < kLengthBytes) {
    fail(fmt::format("{}: {} bytes are too few for a safetensors file", what, bytes.size()),
         kBadFile);
  }
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kMaxHeader) {
    fail(fmt::format("{}: the header claims {} bytes, more than the {} allowed", what, length,
                     kMaxHeader),
         "the file may be in another format; " + std::string(kBadFile));
  }
  if (length > bytes.size() - kLengthBytes) {
    fail(fmt::format("{}: the header claims {} bytes, but only {} follow", what, length,
                     bytes.size() - kLengthBytes),
         kBadFile);
  }
  const std::string_view header = bytes.substr(kLengthBytes, length);
  if (!header.starts_with('{')) {
    fail(fmt::format("{}: the header does not start with '{{'", what), kBadFile);
  }
  return header;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, std::span<const TensorRecord> tensors,
                       const Metadata& metadata) {
  const std::string header = header_text(tensors, metadata);
  const uint64_t length = header.size();
  if (length > kMaxHeader) {
    fail(fmt::format("{}: a header of {} bytes is more than the {} allowed", path.string(), length,
                     kMaxHeader),
         "write fewer tensors or less metadata to one file");
  }
  std::string prefix(kLengthBytes, '\0');
  std::memcpy(prefix.data(), &length, kLengthBytes);
  std::vector<std::string_view> parts = {prefix, header};
  for (const TensorRecord& tensor : tensors) {
    parts.emplace_back(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size());
  }
  write_file_atomic(path, parts);
}

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path) {
  return parse(read_file(path), path.string());
}

SafetensorsFile SafetensorsFile::parse(std::string bytes, std::string what) {
  SafetensorsFile file;
  file.what_ = std::move(what);
  file.bytes_ = std::make_shared<const std::string>(std::move(bytes));
  const std::string_view header = header_of(*file.bytes_, file.what_);
  const std::string_view buffer =
      std::string_view(*file.bytes_).substr(kLengthBytes + header.size());
  const Json json = Json::parse(header, file.what_ + ": header");
  for (const auto& [name, entry] : json.as_object()) {
    const bool is_metadata = name == kMetadataKey;
    try {
      if (is_metadata) {
        file.metadata_ = read_metadata(entry);
      } else {
        file.index_.emplace(name, file.tensors_.size());
        file.tensors_.push_back(read_entry(name, entry, buffer));
      }
    } catch (const Error& error) {
      const std::string part = is_metadata ? "metadata" : fmt::format("tensor \"{}\"", name);
      fail(fmt::format("{}: {}: {}", file.what_, part, error.what()), kBadFile, error.where());
    }
  }
  check_cover(file.tensors_, buffer, file.what_);
  return file;
}

std::vector<std::string> SafetensorsFile::names() const {
  std::vector<std::string> names;
  for (const TensorRecord& tensor : tensors_) names.push_back(tensor.name);
  return names;
}

const TensorRecord* SafetensorsFile::find(std::string_view name) const {
  const auto found = index_.find(std::string(name));
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

const TensorRecord& SafetensorsFile::at(std::string_view name) const {
  if (const TensorRecord* tensor = find(name)) return *tensor;
  const std::string nearest = nearest_name(std::string(name), names());
  fail(fmt::format("{}: no tensor is called \"{}\"", what_, name),
       nearest.empty() ? fmt::format("the file holds {} tensors under other names", tensors_.size())
                       : fmt::format("did you mean \"{}\"?", nearest));
}

}  // namespace cairn
