#include "simt/checker.h"

#include <link.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "simt/access.h"
#include "simt/block_order.h"
#include "simt/engine.h"
#include "simt/memory.h"

namespace simt {
namespace {

/// What is kept of the reads and atomic operations of a word: the last one, and the last before it
/// by another thread of that warp, by another warp of that block, and by another block. Whatever a
/// later access races with, it races with one of these, since blocks run one after another and
/// barriers order whole blocks.
struct History {
  Record last, other_thread, other_warp, other_block;

  template <class F>
  void each(const F& use) {
    for (Record* r : {&last, &other_thread, &other_warp, &other_block}) use(*r);
  }
  void add(Record now) {
    if (last.bytes == 0 || last.goes_with(now))
      now.bytes |= last.bytes;
    else if (last.block != now.block)
      other_block = last;
    else if (last.warp() != now.warp())
      other_warp = last;
    else if (last.thread != now.thread)
      other_thread = last;
    last = now;
  }
};

/// Two writes, since the halves of a word may have one each.
struct Cell {
  Record write[2];
  History history;
};

/// Shadow memory for a range of addresses: whether each byte is defined, and its cells.
class Range {
 public:
  Range(const std::byte* base, size_t bytes)
      : base_(base), defined_(reserve<uint8_t>(bytes / 8)), cells_(reserve<Cell>(bytes / 4)) {}

  Cell& cell(const std::byte* at) { return cells_[static_cast<size_t>(at - base_) / 4]; }

  bool is_defined(const std::byte* at, size_t bytes) const {
    for (size_t i = 0; i < bytes; ++i) {
      const auto offset = static_cast<size_t>(at + i - base_);
      if (!(defined_[offset / 8] >> offset % 8 & 1)) return false;
    }
    return true;
  }

  void copy_defined(const std::byte* to, const std::byte* from, size_t bytes) {
    const auto begin = static_cast<size_t>(to - base_), source = static_cast<size_t>(from - base_);
    const size_t whole = begin % 8 || source % 8 ? 0 : bytes / 8;
    std::memmove(defined_ + begin / 8, defined_ + source / 8, whole);
    std::vector<bool> rest;
    for (size_t i = whole * 8; i < bytes; ++i) rest.push_back(is_defined(from + i, 1));
    for (size_t i = whole * 8; i < bytes; ++i) set_defined(to + i, 1, rest[i - whole * 8]);
  }

  /// Gives back the shadow of addresses that nobody uses again, but for parts of pages.
  void forget(const std::byte* at, size_t bytes) {
    const auto begin = static_cast<size_t>(at - base_), end = begin + bytes;
    give_back(cells_ + begin / 4, cells_ + end / 4);
    give_back(defined_ + begin / 8, defined_ + end / 8);
  }

  void set_defined(const std::byte* at, size_t bytes, bool value) {
    auto begin = static_cast<size_t>(at - base_);
    const size_t end = begin + bytes;
    const auto bit = [&](size_t i) {
      auto& byte = defined_[i / 8];
      byte = static_cast<uint8_t>(value ? byte | 1u << i % 8 : byte & ~(1u << i % 8));
    };
    for (; begin < end && begin % 8; ++begin) bit(begin);
    for (; begin + 8 <= end; begin += 8) defined_[begin / 8] = value ? 0xff : 0;
    for (; begin < end; ++begin) bit(begin);
  }

 private:
  template <class T>
  static T* reserve(size_t count) {
    void* at = mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) throw std::bad_alloc();
    // New memory is touched all the time, and shadows are many times as large: with pages of 2 MB
    // there are few faults. Where there are none, small ones will do.
    madvise(at, count * sizeof(T), MADV_HUGEPAGE);
    return static_cast<T*>(at);
  }

  static void give_back(void* from, void* to) {
    constexpr uintptr_t kPage = 4096;
    const uintptr_t begin = (reinterpret_cast<uintptr_t>(from) + kPage - 1) / kPage * kPage;
    const uintptr_t end = reinterpret_cast<uintptr_t>(to) / kPage * kPage;
    if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }

  const std::byte* base_;
  uint8_t* defined_;
  Cell* cells_;
};

/// The segments of the program and its libraries: constants and static data.
class Modules {
 public:
  bool hold(const void* address) { return known(address) || (refresh(), known(address)); }

 private:
  using Segment = std::pair<const std::byte*, const std::byte*>;

  bool known(const void* address) const {
    return std::ranges::any_of(
        segments_, [&](const Segment& s) { return address >= s.first && address < s.second; });
  }
  void refresh() {
    segments_.clear();
    dl_iterate_phdr(
        [](dl_phdr_info* info, size_t, void* to) {
          for (int i = 0; i < info->dlpi_phnum; ++i) {
            const auto& header = info->dlpi_phdr[i];
            if (header.p_type != PT_LOAD) continue;
            const auto* begin =
                reinterpret_cast<const std::byte*>(info->dlpi_addr + header.p_vaddr);
            static_cast<std::vector<Segment>*>(to)->emplace_back(begin, begin + header.p_memsz);
          }
          return 0;
        },
        &segments_);
  }

  std::vector<Segment> segments_;
};

std::string thread_text(const Record& r) { return "thread " + std::to_string(r.thread); }

}  // namespace

struct Checker::Shadow {
  Range device{memory().base(), Memory::kReserved};
  Range shared{shared_memory(), kSharedArena};
  Modules modules;

  // Vector clocks of the block's threads: known[t][l] is the last clock of lane l of t's warp that
  // is ordered before what t does now.
  std::vector<uint32_t> clocks;
  std::vector<std::array<uint32_t, kWarp>> known;
  uint64_t block = 0;
  bool in_shared = false;  // what is accessed

  BlockOrder blocks;

  void begin_block() {
    if (block == running().block) return;
    block = running().block;
    clocks.assign(1024, 1);
    known.assign(1024, {});
    blocks.begin(running().launch);
  }

  void fence() {
    begin_block();
    const Running& now = running();
    blocks.fence({static_cast<uint32_t>(block), now.barriers, clocks[now.thread]++,
                  static_cast<uint16_t>(now.thread)});
  }

  /// Each block begins with shared memory of its own.
  bool ordered(const Record& before) const {
    const Running& now = running();
    if (before.block < (in_shared ? now.block : now.first_block)) return true;
    if (before.block != now.block)
      return block == now.block && blocks.passed_on(before, now.thread, now.barriers);
    if (before.thread == now.thread || before.barriers != now.barriers) return true;
    return block == now.block && before.thread / kWarp == now.thread / kWarp &&
           known[now.thread][before.thread % kWarp] >= before.clock;
  }

  void conflict(const Record& before, const Record& now, bool wrote, bool writes) const {
    if (!(before.bytes & now.bytes) || (before.atomic && now.atomic) || ordered(before)) return;
    const bool other = before.block != now.block;
    kernel_fault(cudaErrorLaunchFailure,
                 std::string("race: this ") + (writes ? "writes" : "reads") + " what " +
                     thread_text(before) + (other ? " of another block" : "") +
                     (wrote ? " wrote" : " read") + " at " + describe_code(before.code) +
                     (other ? ", and nothing orders blocks" : ", and no barrier lies between"),
                 describe_code(now.code));
  }

  // What was ordered before a write is forgotten: whatever races with it later races with the
  // write.
  void word(Cell& cell, const Record& now, bool writes) {
    for (const Record& write : cell.write) conflict(write, now, true, writes);
    cell.history.each([&](Record& before) {
      if (writes || before.atomic) conflict(before, now, before.atomic, writes);
    });
    if (!writes || now.atomic) cell.history.add(now);
    if (!writes) return;
    const auto covers = [&](const Record& before) { return !(before.bytes & ~now.bytes); };
    if (!now.atomic)
      cell.history.each([&](Record& before) {
        if (covers(before)) before = {};
      });
    const uint8_t merged = cell.write[0].goes_with(now) ? cell.write[0].bytes : 0;
    if (!merged && !covers(cell.write[0])) cell.write[1] = cell.write[0];
    cell.write[0] = now;
    cell.write[0].bytes |= merged;
  }

  void race(Range& range, const std::byte* at, size_t bytes, bool writes, bool atomic,
            const void* code) {
    const Running& r = running();
    const void* const first = at;
    in_shared = &range == &shared;
    const uint32_t clock = block == r.block ? clocks[r.thread] : 1;
    Record now{code,  static_cast<uint32_t>(r.block),  r.barriers,
               clock, static_cast<uint16_t>(r.thread), 0,
               atomic};
    for (const std::byte* end = at + bytes; at < end;) {
      const size_t offset = reinterpret_cast<uintptr_t>(at) % 4;
      const size_t count = std::min<size_t>(4 - offset, static_cast<size_t>(end - at));
      now.bytes = static_cast<uint8_t>(((1u << count) - 1) << offset);
      word(range.cell(at), now, writes);
      at += count;
    }
    if (!atomic || in_shared) return;
    begin_block();
    blocks.count(first, static_cast<uint16_t>(r.thread));
  }
};

Checker& checker() {
  static auto* all = new Checker;
  return *all;
}

Checker::Shadow& Checker::shadow() {
  if (!shadow_) shadow_ = std::make_unique<Shadow>();
  return *shadow_;
}

void Checker::access(const void* address, size_t bytes, bool writes, bool atomic,
                     const void* code) {
  if (busy_ || !running().kernel || bytes == 0 || is_on_stack(address)) return;
  busy_ = true;
  look_at(address, bytes, writes, atomic, code);
  busy_ = false;
  if (atomic) return;
  constexpr int kPatience = 100;
  const bool same = !writes && address == last_read_ && code == last_code_;
  repeated_ = same ? repeated_ + 1 : 0;
  last_read_ = writes ? nullptr : address;
  last_code_ = code;
  if (repeated_ > kPatience) spin(true, code);
}

void Checker::look_at(const void* address, size_t bytes, bool writes, bool atomic,
                      const void* code) {
  const auto* at = static_cast<const std::byte*>(address);
  const Running& now = running();
  if (at >= now.arguments && at < now.arguments + now.argument_bytes) return;
  const char* verb = writes ? "writes" : "reads";
  const auto fault = [&](cudaError_t error, const std::string& what) {
    kernel_fault(error, std::string(verb) + " " + std::to_string(bytes) + " bytes: " + what,
                 describe_code(code));
  };
  const bool device = memory().is_device(address);
  if (device) {
    if (const std::string problem = memory().problem(address, bytes); !problem.empty())
      fault(cudaErrorIllegalAddress, problem);
  } else if (is_shared(address)) {
    if (!is_shared_array(address, bytes))
      fault(cudaErrorIllegalAddress, "outside of the block's arrays in shared memory");
  } else {
    if (shadow().modules.hold(address) || pinned().holds(address, bytes)) return;
    fault(cudaErrorIllegalAddress, "host memory");
  }
  if (std::has_single_bit(bytes) && reinterpret_cast<uintptr_t>(address) % bytes != 0)
    fault(cudaErrorMisalignedAddress, "the address is no multiple of that");
  access_recorder().access(address, bytes, !writes || atomic, writes, code);
  Range& range = device ? shadow().device : shadow().shared;
  if (writes)
    range.set_defined(at, bytes, true);
  else if (!range.is_defined(at, bytes))
    fault(cudaErrorLaunchFailure,
          std::string("uninitialised ") + (device ? "device" : "shared") + " memory");
  shadow().race(range, at, bytes, writes, atomic, code);
}

void Checker::allocated(const void* data, size_t bytes) {
  if (!kCheckerBuilt) return;
  const auto* at = static_cast<const std::byte*>(data);
  (memory().is_device(data) ? shadow().device : shadow().shared).set_defined(at, bytes, false);
}

void Checker::released(const void* data, size_t bytes) {
  if (kCheckerBuilt) shadow().device.forget(static_cast<const std::byte*>(data), bytes);
}

void Checker::defined(const void* data, size_t bytes) {
  if (kCheckerBuilt) shadow().device.set_defined(static_cast<const std::byte*>(data), bytes, true);
}

void Checker::copied(const void* to, const void* from, size_t bytes) {
  if (!kCheckerBuilt) return;
  const auto *at = static_cast<const std::byte*>(to), *source = static_cast<const std::byte*>(from);
  shadow().device.copy_defined(at, source, bytes);
}

void Checker::fenced() {
  if (!kCheckerBuilt) return;
  busy_ = true;
  shadow().fence();
  busy_ = false;
}

void Checker::warp_met(uint32_t first, uint32_t mask) {
  if (!kCheckerBuilt) return;
  Shadow& s = shadow();
  s.begin_block();
  std::array<uint32_t, kWarp> joined = {};
  for (uint32_t lane = 0; lane < kWarp; ++lane) {
    if (!(mask >> lane & 1)) continue;
    joined[lane] = std::max(joined[lane], s.clocks[first + lane]);
    for (uint32_t i = 0; i < kWarp; ++i) joined[i] = std::max(joined[i], s.known[first + lane][i]);
  }
  for (uint32_t lane = 0; lane < kWarp; ++lane) {
    if (!(mask >> lane & 1)) continue;
    s.known[first + lane] = joined;
    ++s.clocks[first + lane];
  }
}

}  // namespace simt
