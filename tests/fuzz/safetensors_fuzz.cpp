// libFuzzer: any bytes are refused with an Error that names the file, or read; what was read is
// written and read again to the same tensors.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "core/error.h"
#include "io/safetensors.h"

using cairn::SafetensorsFile;
using cairn::TensorRecord;

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

constexpr size_t kLengthBytes = 8;

void require(bool condition) {
  if (!condition) std::abort();
}

bool same(const TensorRecord& a, const TensorRecord& b) {
  return a.name == b.name && a.dtype == b.dtype && a.shape == b.shape &&
         std::equal(a.data.begin(), a.data.end(), b.data.begin(), b.data.end());
}

void require_round_trip(const SafetensorsFile& file) {
  std::string bytes = cairn::safetensors_prefix(file.tensors(), file.metadata());
  for (const TensorRecord& tensor : file.tensors())
    bytes.append(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size());
  const SafetensorsFile again = SafetensorsFile::parse(std::move(bytes), "again");
  require(std::equal(file.tensors().begin(), file.tensors().end(), again.tensors().begin(),
                     again.tensors().end(), same));
  require(file.metadata() == again.metadata());
  for (const TensorRecord& tensor : file.tensors()) require(file.find(tensor.name) == &tensor);
}

}  // namespace

/// Every other mutation changes the header alone and gives it its right length, so that the parser
/// behind that check is reached.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  uint64_t length = 0;
  if (size >= kLengthBytes) std::memcpy(&length, data, kLengthBytes);
  if (seed % 2 == 0 || size < kLengthBytes || length > size - kLengthBytes)
    return LLVMFuzzerMutate(data, size, max_size);
  std::string header(max_size - size + length, '\0');
  std::memcpy(header.data(), data + kLengthBytes, length);
  const std::string rest(reinterpret_cast<const char*>(data) + kLengthBytes + length,
                         size - kLengthBytes - length);
  length = LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(header.data()), length, header.size());
  std::memcpy(data, &length, kLengthBytes);
  std::memcpy(data + kLengthBytes, header.data(), length);
  std::memcpy(data + kLengthBytes + length, rest.data(), rest.size());
  return kLengthBytes + length + rest.size();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const std::string bytes(reinterpret_cast<const char*>(data), size);
    require_round_trip(SafetensorsFile::parse(bytes, "file"));
  } catch (const cairn::Error& error) {
    require(std::string(error.what()).starts_with("file: ") && !error.hint().empty());
  }
  return 0;
}
