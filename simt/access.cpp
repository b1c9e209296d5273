#include "simt/access.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <span>

#include "simt/api.h"
#include "simt/checker.h"

namespace simt {
namespace {

constexpr uintptr_t kSector = 32, kWord = 4, kBanks = 32;
constexpr int kCodeBits = 48;  // of addresses

uint64_t place_of(const void* code, uint64_t depth) {
  return (0xffff - depth) << kCodeBits | reinterpret_cast<uintptr_t>(code);
}
const void* code_at(uint64_t place) {
  return reinterpret_cast<const void*>(place & ((uint64_t{1} << kCodeBits) - 1));
}

/// The same few instructions are asked for again and again, and addr2line is slow.
const std::string& known_place(const void* code) {
  static std::unordered_map<const void*, std::string> places;
  std::string& place = places[code];
  if (place.empty()) place = describe_code(code);
  return place;
}

int64_t waste(const AccessCounts& c) { return c.sectors - c.ideal_sectors + c.bank_conflicts; }

}  // namespace

AccessCounts& AccessCounts::operator+=(const AccessCounts& other) {
  accesses += other.accesses;
  sectors += other.sectors;
  ideal_sectors += other.ideal_sectors;
  shared_accesses += other.shared_accesses;
  bank_conflicts += other.bank_conflicts;
  return *this;
}

AccessRecorder& access_recorder() {
  static auto* all = new AccessRecorder;
  return *all;
}

bool AccessRecorder::built() { return kCheckerBuilt; }

void AccessRecorder::start() {
  const std::scoped_lock held(lock());
  kernels_.clear();
  on_ = kCheckerBuilt;
}

std::vector<KernelAccesses> AccessRecorder::take() {
  const std::scoped_lock held(lock());
  on_ = false;
  std::vector<KernelAccesses> all;
  for (const Kernel& kernel : kernels_) {
    KernelAccesses& told = all.emplace_back();
    told.kernel = function_name(kernel.function);
    told.launches = kernel.launches;
    std::map<std::string, AccessCounts> lines;
    for (const auto& [place, counts] : kernel.instructions) {
      told.total += counts;
      if (counts.wasteful()) lines[known_place(code_at(place))] += counts;
    }
    told.lines.assign(lines.begin(), lines.end());
    std::ranges::stable_sort(told.lines, std::greater(),
                             [](const auto& line) { return waste(line.second); });
  }
  return all;
}

void AccessRecorder::begin_launch(const void* kernel) {
  if (!on_) return;
  const auto known = std::ranges::find(kernels_, kernel, &Kernel::function);
  kernel_ = static_cast<size_t>(known - kernels_.begin());
  if (known == kernels_.end()) kernels_.push_back({kernel, 0, {}});
  ++kernels_[kernel_].launches;
}

void AccessRecorder::begin_block(uint32_t threads) {
  if (!on_) return;
  threads_.resize(threads);
  for (Thread& thread : threads_) thread.events.clear(), thread.depth = 0;
  left_.assign((threads + kWarp - 1) / kWarp, kWarp);
  left_.back() -= static_cast<uint32_t>(left_.size()) * kWarp - threads;
}

AccessRecorder::Thread* AccessRecorder::thread() {
  return on_ && running().kernel ? &threads_[running().thread] : nullptr;
}

void AccessRecorder::enter_function() {
  if (Thread* t = thread()) ++t->depth;
}

void AccessRecorder::leave_function() {
  if (Thread* t = thread()) --t->depth;
}

void AccessRecorder::reach(const void* code) { access(nullptr, 0, code); }

void AccessRecorder::access(const void* address, size_t bytes, const void* code) {
  if (Thread* t = thread()) t->events.push_back({place_of(code, t->depth), address, bytes});
}

void AccessRecorder::passed_barrier() {
  if (!on_) return;
  for (uint32_t warp = 0; warp < left_.size(); ++warp) fold(warp);
}

void AccessRecorder::thread_left() {
  if (!on_) return;
  const uint32_t warp = running().thread / kWarp;
  if (--left_[warp] == 0) fold(warp);
}

void AccessRecorder::fold(uint32_t warp) {
  struct Lane {
    const Event *next, *end;
  };
  std::array<Lane, kWarp> lanes = {};
  const std::span threads = std::span(threads_)
                                .subspan(warp * kWarp)
                                .first(std::min<size_t>(kWarp, threads_.size() - warp * kWarp));
  for (size_t i = 0; i < threads.size(); ++i)
    lanes[i] = {threads[i].events.data(), threads[i].events.data() + threads[i].events.size()};
  constexpr uint64_t kNone = ~uint64_t{0};
  for (;;) {
    uint64_t place = kNone;
    for (const Lane& lane : lanes)
      if (lane.next != lane.end) place = std::min(place, lane.next->place);
    if (place == kNone) break;
    warp_access_.clear();
    size_t bytes = 0;
    for (uint32_t i = 0; i < kWarp; ++i) {
      Lane& lane = lanes[i];
      if (lane.next == lane.end || lane.next->place != place) continue;
      const Event& event = *lane.next++;
      if (event.bytes == 0) continue;
      const auto begin = reinterpret_cast<uintptr_t>(event.address);
      warp_access_.push_back({i, begin, begin + event.bytes});
      bytes = std::max(bytes, event.bytes);
    }
    if (warp_access_.empty()) continue;
    AccessCounts& counts = kernels_[kernel_].instructions[place];
    if (is_shared(reinterpret_cast<const void*>(warp_access_[0].begin)))
      count_shared(counts, bytes);
    else
      count_device(counts);
  }
  for (Thread& thread : threads) thread.events.clear();
}

void AccessRecorder::count_device(AccessCounts& counts) {
  std::ranges::sort(warp_access_, {}, &LaneAccess::begin);
  uintptr_t seen = 0, next_sector = 0, bytes = 0;  // the end of what was counted
  for (const LaneAccess& a : warp_access_) {
    bytes += a.end - std::clamp(seen, a.begin, a.end);
    seen = std::max(seen, a.end);
    const uintptr_t first = std::max(next_sector, a.begin / kSector);
    const uintptr_t end = (a.end + kSector - 1) / kSector;
    if (first >= end) continue;
    counts.sectors += static_cast<int64_t>(end - first);
    next_sector = end;
  }
  ++counts.accesses;
  counts.ideal_sectors += static_cast<int64_t>((bytes + kSector - 1) / kSector);
}

// A pass answers one word of each bank, for as many lanes as 32 words are enough for.
void AccessRecorder::count_shared(AccessCounts& counts, size_t bytes) {
  ++counts.shared_accesses;
  const auto lanes = static_cast<uint32_t>(std::clamp<size_t>(kBanks * kWord / bytes, 1, kWarp));
  for (auto at = warp_access_.begin(); at != warp_access_.end();) {
    const uint32_t part = at->lane / lanes;
    words_.clear();
    for (; at != warp_access_.end() && at->lane / lanes == part; ++at)
      for (uintptr_t word = at->begin / kWord; word * kWord < at->end; ++word)
        words_.push_back(word);
    std::ranges::sort(words_);
    const auto again = std::ranges::unique(words_);
    words_.erase(again.begin(), again.end());
    std::array<int64_t, kBanks> passes = {};
    for (const uintptr_t word : words_) ++passes[word % kBanks];
    counts.bank_conflicts +=
        std::ranges::max(passes) - static_cast<int64_t>((words_.size() + kBanks - 1) / kBanks);
  }
}

}  // namespace simt
