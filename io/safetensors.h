// The safetensors format: named dense tensors behind a JSON header.
//
// u64 little-endian header length | header | bytes of all tensors, row-major, little-endian. The
// header is {"__metadata__": {string: string}, "name": {"dtype", "shape", "data_offsets": [begin,
// end]}, ...}. Source: https://github.com/huggingface/safetensors
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/dtype.h"
#include "core/shape.h"

namespace cairn {

using Metadata = std::vector<std::pair<std::string, std::string>>;

/// A tensor in a file or on its way to one. The bytes belong to somebody else.
struct TensorRecord {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
  std::span<const std::byte> data;  // size_of(dtype) x shape.elements() bytes
};

/// Writes the tensors in the order given; equal arguments make equal bytes. The file is whole or
/// untouched (write_file_atomic). Errors: a name or a metadata key twice, data of another size than
/// the shape, a failed write.
void write_safetensors(const std::filesystem::path& path, std::span<const TensorRecord> tensors,
                       const Metadata& metadata = {});

/// The bytes of such a file up to the first tensor's: length and header. Same errors.
std::string safetensors_prefix(std::span<const TensorRecord> tensors, const Metadata& metadata);

/// A file that was read and checked as a whole. Its records point into bytes that the file and its
/// copies share; their addresses need not be aligned to the dtype.
class SafetensorsFile {
 public:
  /// An Error that names the file, and the tensor where one is to blame, unless the header is valid
  /// and at most 100 MB, no key stands twice, every dtype is known, offsets fit dtype and shape,
  /// and the tensors cover the bytes after the header exactly, without holes and overlaps. Whatever
  /// the file holds, this takes at most 64 MB of memory above its size.
  static SafetensorsFile open(const std::filesystem::path& path);
  /// The same for a file's bytes in memory; `what` stands for the path in messages.
  static SafetensorsFile parse(std::string bytes, std::string what);

  /// In the header's order.
  const std::vector<TensorRecord>& tensors() const { return tensors_; }
  std::vector<std::string> names() const;
  /// The tensor of that name, or nullptr.
  const TensorRecord* find(std::string_view name) const;
  /// The tensor of that name; an Error with the nearest name where there is none.
  const TensorRecord& at(std::string_view name) const;
  const Metadata& metadata() const { return metadata_; }

 private:
  SafetensorsFile() = default;

  std::string what_;
  std::shared_ptr<const std::string> bytes_;
  std::vector<TensorRecord> tensors_;
  std::vector<size_t> index_;  // of the tensors, by name
  Metadata metadata_;
};

}  // namespace cairn
