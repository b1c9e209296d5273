// A block's shared memory: static arrays one after another, then what the launch asked for.
#include <algorithm>
#include <cstring>
#include <map>

#include "simt/block.h"
#include "simt/checker.h"
#include "simt/poison.h"

namespace simt {
namespace {

constexpr size_t kRedZone = 64;  // bytes around each array, so that overruns are seen

struct Shared {
  alignas(256) std::byte memory[kSharedArena];
  std::map<const std::byte*, size_t> arrays;  // address and bytes
  size_t used = 0;                            // of the memory
  size_t bytes = 0, static_bytes = 0;         // of all arrays, of static ones
  size_t limit = kSharedBytes;                // of all
  uint64_t block = 0;
  void* dynamic = nullptr;
};

Shared& shared() {
  static auto* memory = new Shared;
  return *memory;
}

void* take(size_t bytes, size_t alignment, const Site& site) {
  Shared& s = shared();
  const size_t begin = (s.used + kRedZone + alignment - 1) / alignment * alignment;
  s.bytes += bytes;
  if (s.bytes > s.limit || begin + bytes + kRedZone > kSharedArena)
    kernel_fault(cudaErrorLaunchOutOfResources,
                 "the block takes " + std::to_string(s.bytes) +
                     " bytes of shared memory; it can have " + std::to_string(s.limit),
                 to_string(site));
  s.used = begin + bytes;
  std::byte* data = s.memory + begin;
  unpoison(data, bytes);
  std::memset(data, 0xff, bytes);
  checker().allocated(data, bytes);
  s.arrays.emplace(data, bytes);
  return data;
}

}  // namespace

void begin_shared(size_t limit, size_t dynamic_bytes, uint64_t block) {
  Shared& s = shared();
  if (s.used > 0 || s.block == 0) poison(s.memory, kSharedArena);
  s.arrays.clear();
  s.used = s.bytes = s.static_bytes = 0;
  s.limit = limit;
  s.block = block;
  s.dynamic = dynamic_bytes ? take(dynamic_bytes, 256, {}) : nullptr;
}

void* shared_array(SharedSlot& slot, size_t bytes, size_t alignment, const Site& site) {
  Shared& s = shared();
  if (slot.block == s.block) return slot.data;
  s.static_bytes += bytes;
  if (s.static_bytes > kStaticSharedBytes)
    kernel_fault(cudaErrorLaunchOutOfResources,
                 "static arrays of " + std::to_string(s.static_bytes) +
                     " bytes of shared memory; they can have " +
                     std::to_string(kStaticSharedBytes) + " together",
                 to_string(site));
  slot = {s.block, take(bytes, std::max<size_t>(alignment, 16), site)};
  return slot.data;
}

void* dynamic_shared() { return shared().dynamic; }

const std::byte* shared_memory() { return shared().memory; }

bool is_shared(const void* address) {
  const auto* at = static_cast<const std::byte*>(address);
  return at >= shared().memory && at < shared().memory + kSharedArena;
}

bool is_shared_array(const void* address, size_t bytes) {
  const auto* at = static_cast<const std::byte*>(address);
  const auto& arrays = shared().arrays;
  auto after = arrays.upper_bound(at);
  if (after == arrays.begin()) return false;
  const auto& [begin, size] = *std::prev(after);
  return at + bytes <= begin + size;
}

}  // namespace simt
