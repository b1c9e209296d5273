// SHA-256 (FIPS 180-4), over libmd.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace cairn {

/// A digest over bytes that come in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();

  void update(std::span<const uint8_t> bytes);
  /// The digest as 64 lowercase hex digits; call it once, after the last update.
  std::string hex();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string sha256_hex(std::span<const uint8_t> bytes);
/// Of the file as it lies there, packed or not. An Error where it can't be read.
std::string sha256_file(const std::filesystem::path& path);

}  // namespace cairn
