// The header of a safetensors file, text to records and back.
//
// The grammar is JSON without nesting of its own: {"__metadata__": {string: string}, NAME:
// {"dtype": string, "shape": [whole numbers], "data_offsets": [begin, end]}, ...}. The parser
// follows it without a tree of values, so a hostile header costs little more memory than the
// records that it describes, whose number and names are limited.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "io/safetensors.h"

namespace cairn {

inline constexpr char kMetadataKey[] = "__metadata__";
/// The hint of errors in files.
inline constexpr char kBadSafetensors[] = "take an intact copy of the file, or write it again";
constexpr uint64_t kMaxSafetensorsHeader = 100'000'000;  // bytes
constexpr size_t kMaxSafetensorsEntries = 100'000;       // tensors, and metadata
constexpr size_t kMaxSafetensorsName = 1'000;            // bytes of a tensor's name
constexpr size_t kMaxSafetensorsText = 16'000'000;       // bytes of all names and metadata

struct SafetensorsHeader {
  Metadata metadata;
  std::vector<TensorRecord> tensors;  // in the header's order, over the buffer
};

/// Reads a header whose tensors lie in `buffer`. An Error names the file `what`, and the tensor
/// and the byte of the header where the text breaks the grammar, a key stands twice, a dtype is
/// unknown, or offsets don't fit dtype, shape and buffer.
SafetensorsHeader parse_safetensors_header(std::string_view text, std::string_view buffer,
                                           const std::string& what);

/// An Error that names the file `what` and a tensor unless the tensors cover the buffer exactly,
/// without holes and overlaps.
void check_safetensors_cover(const std::vector<TensorRecord>& tensors, std::string_view buffer,
                             const std::string& what);

/// "F32".
std::string_view safetensors_code(DType dtype);
/// Bytes of the tensor; an Error where they overflow.
int64_t bytes_of(DType dtype, const Shape& shape);

}  // namespace cairn
