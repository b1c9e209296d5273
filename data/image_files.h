// Images that stay in their files until they are wanted.
#pragma once

#include <cstdint>
#include <span>

namespace cairn {

class ImageFiles {
 public:
  virtual ~ImageFiles() = default;
  /// Image `row` as (C,H,W), 0 to 255. Threads may call it at the same time. An Error that names
  /// the file where that has vanished or is not what it was.
  virtual void read(int64_t row, std::span<uint8_t> to) const = 0;
};

}  // namespace cairn
