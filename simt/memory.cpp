#include "simt/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

#include "simt/checker.h"
#include "simt/poison.h"
#include "simt/settings.h"

namespace simt {
namespace {

constexpr size_t kAlignment = 256, kRedZone = 256;
constexpr size_t kStep = size_t{2} << 20;  // a large page
const size_t kPage = static_cast<size_t>(sysconf(_SC_PAGESIZE));

size_t up(size_t value, size_t to) { return (value + to - 1) / to * to; }

void* reserve(size_t bytes, int rights) {
  void* at = mmap(nullptr, bytes, rights, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc();
  return at;
}

}  // namespace

Memory& memory() {
  static auto* device = new Memory;
  return *device;
}

Pinned& pinned() {
  static auto* host = new Pinned;
  return *host;
}

Memory::Memory() : key_(pkey_alloc(0, PKEY_DISABLE_ACCESS)) {
  constexpr int kOpen = PROT_READ | PROT_WRITE;
  void* at = reserve(kReserved + kStep, key_ < 0 ? PROT_NONE : kOpen);
  base_ = reinterpret_cast<std::byte*>(up(reinterpret_cast<uintptr_t>(at), kStep));
  if (key_ >= 0 && pkey_mprotect(base_, kReserved, kOpen, key_) != 0) throw std::bad_alloc();
  // Changing the rights of 34 MiB, twice for each kernel, takes milliseconds with small pages.
  if (key_ < 0) madvise(base_, kReserved, MADV_HUGEPAGE);
}

void Memory::protect(bool open) {
  if (key_ >= 0) {
    pkey_set(key_, open ? 0 : PKEY_DISABLE_ACCESS);
    return;
  }
  for (auto step = in_use_.begin(); step != in_use_.end();) {  // one call for steps in a row
    const size_t first = step->first;
    size_t last = first;
    for (; step != in_use_.end() && step->first == last; ++step) ++last;
    set_rights(first, last, open);
  }
}

void Memory::set_rights(size_t first, size_t last, bool open) {
  mprotect(base_ + first * kStep, (last - first) * kStep,
           open ? PROT_READ | PROT_WRITE : PROT_NONE);
}

void Memory::use(size_t begin, size_t bytes) {
  if (key_ >= 0) return;
  for (size_t step = begin / kStep; step * kStep < begin + bytes; ++step)
    if (in_use_[step]++ == 0) set_rights(step, step + 1, true);
}

void Memory::leave(size_t begin, size_t bytes) {
  if (key_ >= 0) return;
  for (size_t step = begin / kStep; step * kStep < begin + bytes; ++step) {
    if (--in_use_[step] > 0) continue;
    in_use_.erase(step);
    set_rights(step, step + 1, false);
  }
}

Memory::Access::Access() {
  if (memory().open_++ == 0) memory().protect(true);
}

Memory::Access::~Access() {
  if (--memory().open_ == 0) memory().protect(false);
}

void Memory::grow(size_t bytes) {
  const size_t wanted = up(bytes, kStep);
  if (wanted <= committed_) return;
  poison(base_ + committed_, wanted - committed_);
  committed_ = wanted;
}

void* Memory::allocate(size_t bytes, const void* by) {
  if (bytes > free_bytes()) return nullptr;
  const size_t begin = next_ + kRedZone;
  const size_t end = up(begin + bytes, kAlignment) + kRedZone;
  if (end > kReserved) return nullptr;
  const Access access;
  grow(end);
  next_ = end - kRedZone;
  use(begin, bytes);
  std::byte* data = base_ + begin;
  unpoison(data, bytes);
  std::memset(data, 0xff, bytes);
  checker().allocated(data, bytes);
  allocations_[data] = {data, bytes, false, by};
  used_ += bytes;
  ++live_;
  return data;
}

bool Memory::release(void* data) {
  const auto found = allocations_.find(static_cast<const std::byte*>(data));
  if (found == allocations_.end() || found->second.freed) return false;
  Allocation& gone = found->second;
  gone.freed = true;
  used_ -= gone.bytes;
  --live_;
  poison(data, gone.bytes);
  checker().released(data, gone.bytes);
  const auto begin = up(reinterpret_cast<uintptr_t>(data), kPage);
  const auto end = (reinterpret_cast<uintptr_t>(data) + gone.bytes) / kPage * kPage;
  if (end > begin) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  leave(static_cast<size_t>(gone.begin - base_), gone.bytes);
  return true;
}

size_t Memory::free_bytes() const {
  const auto all = static_cast<size_t>(settings().memory);
  return all > used_ ? all - used_ : 0;
}

bool Memory::is_device(const void* address) const {
  return address >= base_ && address < base_ + kReserved;
}

const Allocation* Memory::find(const void* address) const {
  const auto* at = static_cast<const std::byte*>(address);
  if (found_ && at >= found_->begin && at < found_->begin + found_->bytes) return found_;
  auto after = allocations_.upper_bound(at);
  return found_ = after == allocations_.begin() ? nullptr : &std::prev(after)->second;
}

std::string Memory::problem(const void* address, size_t bytes) const {
  const auto* at = static_cast<const std::byte*>(address);
  const Allocation* near = find(address);
  const ptrdiff_t behind =
      near ? at - near->begin - static_cast<ptrdiff_t>(near->bytes) : PTRDIFF_MAX;
  if (behind < 0 && near->freed) return "memory that was freed";
  if (near && at + bytes <= near->begin + near->bytes) return {};
  if (behind < 0)
    return "over the end of an allocation of " + std::to_string(near->bytes) + " bytes";
  const auto next = allocations_.upper_bound(at);
  const ptrdiff_t before = next != allocations_.end() ? next->first - at : PTRDIFF_MAX;
  if (!near && before == PTRDIFF_MAX) return "device memory that was never allocated";
  const Allocation& nearest = behind <= before ? *near : next->second;
  return std::to_string(std::min(behind, before)) +
         (behind <= before ? " bytes behind " : " bytes before ") +
         (nearest.freed ? "a freed" : "an") + " allocation of " + std::to_string(nearest.bytes) +
         " bytes";
}

const Allocation* Memory::any_live() const {
  for (const auto& [begin, allocation] : allocations_)
    if (!allocation.freed) return &allocation;
  return nullptr;
}

void* Pinned::allocate(size_t bytes) {
  void* data =
      mmap(nullptr, up(bytes, kPage), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return nullptr;
  blocks_[static_cast<const std::byte*>(data)].bytes = bytes;
  return data;
}

bool Pinned::release(void* data) {
  const auto found = blocks_.find(static_cast<const std::byte*>(data));
  if (found == blocks_.end()) return false;
  munmap(data, up(found->second.bytes, kPage));
  blocks_.erase(found);
  return true;
}

Pinned::Block* Pinned::block_of(const void* address, const std::byte** begin) {
  auto after = blocks_.upper_bound(static_cast<const std::byte*>(address));
  if (after == blocks_.begin()) return nullptr;
  --after;
  if (address >= after->first + up(after->second.bytes, kPage)) return nullptr;
  *begin = after->first;
  return &after->second;
}

bool Pinned::holds(const void* address, size_t bytes) const {
  const std::byte* begin = nullptr;
  const Block* block = const_cast<Pinned*>(this)->block_of(address, &begin);
  return block && static_cast<const std::byte*>(address) + bytes <= begin + block->bytes;
}

// All pages are open but those that copies on their way touch.
void Pinned::protect(const std::byte* begin, Block& block) {
  const auto set = [](const std::byte* from, const std::byte* to, int rights) {
    const auto first = reinterpret_cast<uintptr_t>(from) / kPage * kPage;
    mprotect(reinterpret_cast<void*>(first), up(reinterpret_cast<uintptr_t>(to) - first, kPage),
             rights);
  };
  set(begin, begin + block.bytes, PROT_READ | PROT_WRITE);
  for (const bool writes : {false, true})
    for (const auto& [from, copy] : block.copies)
      if (copy.second == writes) set(from, from + copy.first, writes ? PROT_NONE : PROT_READ);
}

void Pinned::begin_copy(const void* host, size_t bytes, bool writes) {
  const std::byte* begin = nullptr;
  Block* block = block_of(host, &begin);
  if (!block || bytes == 0) return;
  block->copies.emplace(static_cast<const std::byte*>(host), std::pair(bytes, writes));
  protect(begin, *block);
}

void Pinned::end_copy(const void* host, size_t bytes, bool writes) {
  const std::byte* begin = nullptr;
  Block* block = block_of(host, &begin);
  if (!block || bytes == 0) return;
  const auto [first, last] = block->copies.equal_range(static_cast<const std::byte*>(host));
  const auto ended = std::find_if(
      first, last, [&](const auto& copy) { return copy.second == std::pair(bytes, writes); });
  if (ended != last) block->copies.erase(ended);
  protect(begin, *block);
}

void Pinned::end_copies() {
  for (auto& [begin, block] : blocks_) {
    if (block.copies.empty()) continue;
    block.copies.clear();
    protect(begin, block);
  }
}

void Pinned::close() {
  for (auto& [begin, block] : blocks_)
    if (std::exchange(block.opened, false)) protect(begin, block);
}

bool Pinned::may_touch(const void* address, bool writes, std::string& problem) {
  const std::byte* begin = nullptr;
  Block* block = block_of(address, &begin);
  if (!block) return false;
  if (memory().is_open()) block->opened = true;  // the device's own work, which streams order
  for (const auto& [from, copy] : block->copies)
    if (!block->opened && (writes || copy.second) && address >= from &&
        address < from + copy.first) {
      problem = copy.second ? "the host touches pinned memory that a copy from the device has yet "
                              "to fill: wait for the copy first"
                            : "the host writes to pinned memory that a copy to the device has yet "
                              "to read: wait for the copy first";
      return false;
    }
  const auto page = reinterpret_cast<uintptr_t>(address) / kPage * kPage;
  mprotect(reinterpret_cast<void*>(page), kPage, PROT_READ | PROT_WRITE);
  return true;
}

}  // namespace simt
