#include "io/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <unordered_set>

#include "core/error.h"
#include "io/files.h"
#include "io/safetensors_header.h"
#include "io/utf8.h"

namespace cairn {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

constexpr size_t kLengthBytes = 8;

std::string metadata_text(const Metadata& metadata) {
  std::unordered_set<std::string> seen;
  std::string text = fmt::format("\"{}\":{{", kMetadataKey);
  for (const auto& [key, value] : metadata) {
    if (!seen.insert(key).second)
      fail(fmt::format("the metadata key {} was given twice", quoted_name(key)),
           "give every key once");
    text +=
        fmt::format("{}{}:{}", seen.size() > 1 ? "," : "", quoted_json(key), quoted_json(value));
  }
  return text + '}';
}

/// The tensor's bytes, once what its record says of them is known to be sound.
int64_t checked_bytes(const TensorRecord& tensor) {
  const std::string name = quoted_name(tensor.name);
  if (tensor.name.size() > kMaxSafetensorsName)
    fail(fmt::format("the name of tensor {} has more than {} bytes", name, kMaxSafetensorsName),
         "choose a shorter name");
  const int64_t size = bytes_of(tensor.dtype, tensor.shape);
  if (static_cast<uint64_t>(size) != tensor.data.size())
    fail(fmt::format("tensor {} {} {} needs {} bytes, but {} were given", name,
                     name_of(tensor.dtype), to_string(tensor.shape), size, tensor.data.size()),
         "hand over the whole tensor, dense");
  return size;
}

/// The header's text, once its length is known to be sound.
std::string_view header_of(std::string_view bytes, const std::string& what) {
  if (bytes.size() < kLengthBytes)
    fail(fmt::format("{}: {} bytes are too few for a safetensors file", what, bytes.size()),
         kBadSafetensors);
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kMaxSafetensorsHeader)
    fail(fmt::format("{}: the header claims {} bytes, more than the {} allowed", what, length,
                     kMaxSafetensorsHeader),
         "the file may be in another format; " + std::string(kBadSafetensors));
  if (length > bytes.size() - kLengthBytes)
    fail(fmt::format("{}: the header claims {} bytes, but only {} follow", what, length,
                     bytes.size() - kLengthBytes),
         kBadSafetensors);
  const std::string_view header = bytes.substr(kLengthBytes, length);
  if (!header.starts_with('{'))
    fail(fmt::format("{}: the header does not start with '{{'", what), kBadSafetensors);
  return header;
}

}  // namespace

std::string safetensors_prefix(std::span<const TensorRecord> tensors, const Metadata& metadata) {
  std::vector<std::string> entries;
  if (!metadata.empty()) entries.push_back(metadata_text(metadata));
  std::unordered_set<std::string> seen = {kMetadataKey};
  int64_t offset = 0;
  for (const TensorRecord& tensor : tensors) {
    if (!seen.insert(tensor.name).second)
      fail(fmt::format("two tensors of one file are called {}", quoted_name(tensor.name)),
           fmt::format("give every tensor its own name; {} is reserved", kMetadataKey));
    const int64_t end = offset + checked_bytes(tensor);
    entries.push_back(fmt::format("{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}",
                                  quoted_json(tensor.name), safetensors_code(tensor.dtype),
                                  fmt::join(tensor.shape.dims(), ","), offset, end));
    offset = end;
  }
  std::string text = fmt::format("{{{}}}", fmt::join(entries, ","));
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');
  const uint64_t length = text.size();
  if (length > kMaxSafetensorsHeader || entries.size() > kMaxSafetensorsEntries)
    fail(fmt::format("a header of {} bytes for {} tensors is more than the {} bytes and {} tensors "
                     "allowed",
                     length, tensors.size(), kMaxSafetensorsHeader, kMaxSafetensorsEntries),
         "write fewer tensors or less metadata to one file");
  std::string prefix(kLengthBytes, '\0');
  std::memcpy(prefix.data(), &length, kLengthBytes);
  return prefix + text;
}

void write_safetensors(const std::filesystem::path& path, std::span<const TensorRecord> tensors,
                       const Metadata& metadata) {
  std::string prefix;
  try {
    prefix = safetensors_prefix(tensors, metadata);
  } catch (const Error& error) {
    fail(fmt::format("{}: {}", path.string(), error.what()), error.hint(), error.where());
  }
  std::vector<std::string_view> parts = {prefix};
  for (const TensorRecord& tensor : tensors)
    parts.emplace_back(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size());
  write_file_atomic(path, parts);
}

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path) {
  return parse(read_file(path), path.string());
}

SafetensorsFile SafetensorsFile::parse(std::string bytes, std::string what) {
  SafetensorsFile file;
  file.what_ = std::move(what);
  file.bytes_ = std::make_shared<const std::string>(std::move(bytes));
  const std::string_view all(*file.bytes_);
  const std::string_view header = header_of(all, file.what_);
  const std::string_view buffer = all.substr(kLengthBytes + header.size());
  SafetensorsHeader parsed = parse_safetensors_header(header, buffer, file.what_);
  file.tensors_ = std::move(parsed.tensors);
  file.metadata_ = std::move(parsed.metadata);
  file.index_.resize(file.tensors_.size());
  std::iota(file.index_.begin(), file.index_.end(), size_t{0});
  const auto name = [&](size_t i) { return std::string_view(file.tensors_[i].name); };
  std::ranges::sort(file.index_, {}, name);
  const auto twice = std::ranges::adjacent_find(file.index_, {}, name);
  if (twice != file.index_.end())
    fail(fmt::format("{}: tensor {}: stands twice in the header", file.what_,
                     quoted_name(name(*twice))),
         kBadSafetensors);
  check_safetensors_cover(file.tensors_, buffer, file.what_);
  return file;
}

std::vector<std::string> SafetensorsFile::names() const {
  std::vector<std::string> names;
  for (const TensorRecord& tensor : tensors_) names.push_back(tensor.name);
  return names;
}

const TensorRecord* SafetensorsFile::find(std::string_view name) const {
  const auto name_at = [&](size_t i) { return std::string_view(tensors_[i].name); };
  const auto found = std::ranges::lower_bound(index_, name, {}, name_at);
  return found == index_.end() || name_at(*found) != name ? nullptr : &tensors_[*found];
}

const TensorRecord& SafetensorsFile::at(std::string_view name) const {
  if (const TensorRecord* tensor = find(name)) return *tensor;
  const std::string nearest = nearest_name(std::string(name), names());
  fail(fmt::format("{}: no tensor is called {}", what_, quoted_name(name)),
       nearest.empty() ? fmt::format("the file holds {} tensors under other names", tensors_.size())
                       : fmt::format("did you mean {}?", quoted_name(nearest)));
}

}  // namespace cairn
