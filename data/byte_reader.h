// Reads a file or bytes in memory, unpacking gzip on the way where the first two bytes are 1f 8b.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace cairn {

class ByteReader {
 public:
  /// An Error where the file is missing or no regular file.
  explicit ByteReader(const std::filesystem::path& path);
  /// Over bytes that outlive the reader; `name` stands for them in messages.
  ByteReader(std::span<const std::byte> bytes, std::string name);
  ByteReader(ByteReader&&) noexcept;
  ~ByteReader();

  /// Fills `out`, or as much of it as there is before the end; returns the bytes read. An Error
  /// that names the file where its gzip data is corrupt (lengths and check sums included) or cut
  /// short.
  size_t read(std::span<uint8_t> out);
  /// Bytes up to the end; nothing where the data is packed, since gzip doesn't say.
  std::optional<int64_t> bytes_left();
  const std::string& name() const { return name_; }

 private:
  struct Inflater;

  void open_stream();
  size_t read_raw(std::span<uint8_t> out);
  size_t read_packed(std::span<uint8_t> out);
  void refill();

  std::string name_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  std::unique_ptr<Inflater> inflater_;  // null for plain data
};

}  // namespace cairn
