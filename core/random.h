// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011).
//
// A number is a function of (key, step, element): the key is the run's seed and the hash of a
// node's name, the element is the index in PyTorch's order with the global example index. So it
// does not depend on device, layout, thread count or rank, and needs no state.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "core/host_device.h"

namespace cairn {

struct PhiloxKey {
  uint32_t seed = 0;
  uint32_t name = 0;
};

/// FNV-1a of a name (Fowler, Noll, Vo), folded to 32 bits.
constexpr uint32_t hash_name(std::string_view name) {
  uint64_t h = 14695981039346656037ULL;
  for (const char c : name) h = (h ^ static_cast<uint8_t>(c)) * 1099511628211ULL;
  return static_cast<uint32_t>(h ^ (h >> 32));
}

/// The key of a named node in a run: all 64 bits of the seed take part.
constexpr PhiloxKey philox_key(uint64_t seed, std::string_view name) {
  const auto high = static_cast<uint32_t>(seed >> 32);
  return {static_cast<uint32_t>(seed), hash_name(name) ^ (high * 0x9E3779B9u)};
}

struct PhiloxBlock {
  uint32_t v[4];

  /// v[i mod 4], chosen: an index would put the block into a GPU's local memory.
  CAIRN_HD constexpr uint32_t word(uint64_t i) const {
    return i & 2 ? (i & 1 ? v[3] : v[2]) : (i & 1 ? v[1] : v[0]);
  }
};

/// Ten Philox rounds on the counter (step, block): four independent uniform 32-bit words.
CAIRN_HD constexpr PhiloxBlock philox(PhiloxKey key, uint64_t step, uint64_t block) {
  uint32_t c0 = static_cast<uint32_t>(block), c1 = static_cast<uint32_t>(block >> 32);
  uint32_t c2 = static_cast<uint32_t>(step), c3 = static_cast<uint32_t>(step >> 32);
  uint32_t k0 = key.seed, k1 = key.name;
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * c0;
    const uint64_t p1 = uint64_t{0xCD9E8D57u} * c2;
    const uint32_t n0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    const uint32_t n2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c0 = n0, c1 = static_cast<uint32_t>(p1), c2 = n2, c3 = static_cast<uint32_t>(p0);
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

/// Word `element` of the stream (key, step): four consecutive elements share a block.
CAIRN_HD constexpr uint32_t random_word(PhiloxKey key, uint64_t step, uint64_t element) {
  return philox(key, step, element / 4).word(element);
}

/// Uniform in (0, 1): the centres of 2^23 equal cells, exact in float32.
CAIRN_HD constexpr float to_unit(uint32_t word) {
  return (static_cast<float>(word >> 9) + 0.5f) * 0x1p-23f;
}

/// Uniform in (0, 1).
CAIRN_HD constexpr float random_unit(PhiloxKey key, uint64_t step, uint64_t element) {
  return to_unit(random_word(key, step, element));
}

/// Standard normal by Box and Muller (1958), one an element; host only, for initial values and
/// tests.
inline double random_normal(PhiloxKey key, uint64_t step, uint64_t element) {
  const PhiloxBlock b = philox(key, step, element);
  const double u = (b.v[0] + 0.5) * 0x1p-32, v = (b.v[1] + 0.5) * 0x1p-32;
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * 3.14159265358979323846 * v);
}

/// Position `index` of a pseudo-random permutation of [0, n), keyed by (key, step): a four-round
/// Feistel network over the next even power of two, walked until the image lies below n (Black and
/// Rogaway, 2002). No memory, no sort; at most four walks are expected.
CAIRN_HD constexpr int64_t permuted_index(PhiloxKey key, uint64_t step, int64_t index, int64_t n) {
  int half = 1;
  while ((int64_t{1} << (2 * half)) < n) ++half;
  const uint64_t mask = (uint64_t{1} << half) - 1;
  auto x = static_cast<uint64_t>(index);
  do {
    uint64_t left = x >> half, right = x & mask;
    for (uint64_t round = 0; round < 4; ++round) {
      const uint64_t next = left ^ (philox(key, step, (round << 48) | right).v[0] & mask);
      left = right, right = next;
    }
    x = (left << half) | right;
  } while (x >= static_cast<uint64_t>(n));
  return static_cast<int64_t>(x);
}

}  // namespace cairn
