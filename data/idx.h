// IDX, the file format of MNIST: a big-endian header (magic number, then one uint32 a dimension)
// and bytes.
//
//   images  00 00 08 03  count  height  width   then count*height*width pixels, 0 to 255
//   labels  00 00 08 01  count                  then count labels
//
// Files may be packed by gzip. Every error names the file. Memory is taken only for bytes that are
// there, whatever the header says.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/byte_reader.h"
#include "data/image_files.h"

namespace cairn {

constexpr uint32_t kIdxImages = 0x803;
constexpr uint32_t kIdxLabels = 0x801;

struct IdxImages {
  int64_t count = 0, height = 0, width = 0;
  std::vector<uint8_t> pixels;                  // (count,height,width)
  std::shared_ptr<const ImageFiles> file = {};  // in place of `pixels`
};

/// Errors: missing, wrong magic, a dimension of 0, fewer or more bytes than the dimensions say,
/// corrupt gzip data.
IdxImages read_idx_images(ByteReader reader);

/// The same, but the pixels stay in the file, which is kept open. Errors as above, and for a packed
/// one.
IdxImages open_idx_images(ByteReader reader);

/// Labels in [0, classes). Errors as above, and a label out of that range.
std::vector<uint8_t> read_idx_labels(ByteReader reader, int64_t classes);

/// The file called `name` ("train-images-idx3-ubyte"), or with a dot ("train-images.idx3-ubyte"),
/// each plain or as .gz: the first that exists in `directory`, or an empty path.
std::filesystem::path find_idx_file(const std::filesystem::path& directory,
                                    const std::string& name);

}  // namespace cairn
