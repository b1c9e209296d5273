#include "data/sha256.h"

#include <fmt/format.h>
#include <sha2.h>

#include <array>
#include <fstream>

#include "core/error.h"

namespace cairn {

struct Sha256::Context {
  SHA2_CTX libmd;
};

Sha256::Sha256() : context_(std::make_unique<Context>()) { SHA256Init(&context_->libmd); }
Sha256::~Sha256() = default;

void Sha256::update(std::span<const uint8_t> bytes) {
  SHA256Update(&context_->libmd, bytes.data(), bytes.size());
}

std::string Sha256::hex() {
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256Final(digest.data(), &context_->libmd);
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

std::string sha256_hex(std::span<const uint8_t> bytes) {
  Sha256 sum;
  sum.update(bytes);
  return sum.hex();
}

std::string sha256_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  Sha256 sum;
  std::array<char, 1 << 16> chunk;
  while (in.read(chunk.data(), chunk.size()) || in.gcount() > 0) {
    sum.update({reinterpret_cast<const uint8_t*>(chunk.data()), static_cast<size_t>(in.gcount())});
  }
  if (!in.eof()) {
    fail(fmt::format("{}: cannot be read", path.string()), "check that it exists and its rights");
  }
  return sum.hex();
}

}  // namespace cairn
