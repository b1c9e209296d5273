#include "simt/access.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <utility>

#include "simt/api.h"
#include "simt/checker.h"

namespace simt {
namespace {

constexpr uintptr_t kSector = kSectorBytes, kWord = 4, kBanks = 32;
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
  loaded_sectors += other.loaded_sectors;
  stored_sectors += other.stored_sectors;
  lane_accesses += other.lane_accesses;
  lane_bytes += other.lane_bytes;
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
  for (const Kernel& kernel : std::exchange(kernels_, {})) {
    KernelAccesses& told = all.emplace_back();
    told.kernel = function_name(kernel.function);
    told.launches = kernel.launches;
    std::map<std::string, AccessCounts> lines;
    for (const Node& node : kernel.nodes) {
      told.total += node.counts;
      if (node.counts.wasteful()) lines[known_place(node.code)] += node.counts;
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
  if (known == kernels_.end()) kernels_.push_back({kernel});
  ++kernels_[kernel_].launches;
  loaded_.clear();
  stored_.clear();
}

void AccessRecorder::begin_block(uint32_t threads) {
  if (!on_) return;
  events_.resize(threads);
  for (auto& events : events_) events.clear();
  left_.assign((threads + kWarp - 1) / kWarp, kWarp);
  left_.back() -= static_cast<uint32_t>(left_.size()) * kWarp - threads;
}

void AccessRecorder::access(const void* address, size_t bytes, bool loads, bool stores,
                            const void* code) {
  if (!on_ || !running().kernel) return;
  const auto next = static_cast<uint32_t>(kernel().nodes.size());
  const auto [known, is_new] = kernel().node_of.try_emplace(code, next);
  if (is_new) kernel().nodes.push_back({code, loads, stores});
  const uint32_t node = known->second;
  auto& events = events_[running().thread];
  if (!events.empty()) connect(events.back().node, node);
  events.push_back({node, static_cast<uint32_t>(bytes), address});
}

void AccessRecorder::connect(uint32_t from, uint32_t to) {
  auto& known = kernel().nodes[to].from;
  if (std::ranges::find(known, from) != known.end()) return;
  known.push_back(from);
  kernel().ranked = false;
}

// Depth first from the end, against the threads' direction: a node is finished before all nodes
// that every way back from the end to it passes.
void AccessRecorder::rank_nodes() {
  auto& nodes = kernel().nodes;
  std::vector<bool> seen(nodes.size());
  std::vector<std::pair<uint32_t, size_t>> path = {{0, 0}};  // nodes, and how many before are done
  for (uint32_t finished = 0; !path.empty();) {
    auto& [node, done] = path.back();
    if (done == nodes[node].from.size()) {
      nodes[node].rank = finished++;
      path.pop_back();
      continue;
    }
    const uint32_t before = nodes[node].from[done++];
    if (!seen[before]) path.emplace_back(before, 0);
    seen[before] = true;
  }
  kernel().ranked = true;
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
  const size_t first = size_t{warp} * kWarp;
  const auto lanes =
      std::span(events_).subspan(first, std::min<size_t>(kWarp, events_.size() - first));
  for (const auto& events : lanes)
    if (!events.empty()) connect(events.back().node, 0);
  if (!kernel().ranked) rank_nodes();
  auto& nodes = kernel().nodes;
  std::array<size_t, kWarp> done = {};
  for (;;) {
    uint32_t node = 0;  // the first of those where lanes are
    for (size_t i = 0; i < lanes.size(); ++i) {
      if (done[i] == lanes[i].size()) continue;
      const uint32_t at = lanes[i][done[i]].node;
      if (node == 0 || nodes[at].rank < nodes[node].rank) node = at;
    }
    if (node == 0) break;
    together_.clear();
    for (size_t i = 0; i < lanes.size(); ++i) {
      if (done[i] == lanes[i].size() || lanes[i][done[i]].node != node) continue;
      const Event& event = lanes[i][done[i]++];
      const auto begin = reinterpret_cast<uintptr_t>(event.address);
      if (begin) together_.push_back({static_cast<uint32_t>(i), begin, begin + event.bytes});
    }
    if (!together_.empty()) count(nodes[node]);
  }
  for (auto& events : lanes) events.clear();
}

void AccessRecorder::count(Node& node) {
  if (is_shared(reinterpret_cast<const void*>(together_[0].begin)))
    count_shared(node.counts);
  else
    count_device(node);
}

void AccessRecorder::count_device(Node& node) {
  AccessCounts& counts = node.counts;
  std::ranges::sort(together_, {}, &LaneAccess::begin);
  uintptr_t seen = 0, next_sector = 0, bytes = 0;  // the end of what was counted
  for (const LaneAccess& a : together_) {
    ++counts.lane_accesses;
    counts.lane_bytes += static_cast<int64_t>(a.end - a.begin);
    bytes += a.end - std::clamp(seen, a.begin, a.end);
    seen = std::max(seen, a.end);
    const uintptr_t first = std::max(next_sector, a.begin / kSector);
    const uintptr_t end = (a.end + kSector - 1) / kSector;
    if (first >= end) continue;
    counts.sectors += static_cast<int64_t>(end - first);
    next_sector = end;
    for (uintptr_t sector = first; sector < end; ++sector) {
      counts.loaded_sectors += node.loads && loaded_.insert(sector).second;
      counts.stored_sectors += node.stores && stored_.insert(sector).second;
    }
  }
  ++counts.accesses;
  counts.ideal_sectors += static_cast<int64_t>((bytes + kSector - 1) / kSector);
}

// A pass answers one word of each bank, for as many lanes as 32 words are enough for.
void AccessRecorder::count_shared(AccessCounts& counts) {
  ++counts.shared_accesses;
  const uintptr_t bytes = together_[0].end - together_[0].begin;
  const auto lanes = static_cast<uint32_t>(std::clamp<uintptr_t>(kBanks * kWord / bytes, 1, kWarp));
  for (auto at = together_.begin(); at != together_.end();) {
    const uint32_t part = at->lane / lanes;
    words_.clear();
    for (; at != together_.end() && at->lane / lanes == part; ++at)
      for (uintptr_t word = at->begin / kWord; word * kWord < at->end; ++word)
        words_.push_back(word);
    std::ranges::sort(words_);
    words_.erase(std::unique(words_.begin(), words_.end()), words_.end());
    std::array<int64_t, kBanks> passes = {};
    for (const uintptr_t word : words_) ++passes[word % kBanks];
    counts.bank_conflicts +=
        std::ranges::max(passes) - static_cast<int64_t>((words_.size() + kBanks - 1) / kBanks);
  }
}

}  // namespace simt
