#include "simt/engine.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <numeric>
#include <random>
#include <utility>

#include "simt/access.h"
#include "simt/block.h"
#include "simt/builtin_variables.h"
#include "simt/checker.h"

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace simt {
namespace {

Running now;
uint64_t launches = 0, blocks = 0;

uint3 index_of(uint64_t linear, const dim3& size) {
  if (linear < size.x) return {static_cast<unsigned>(linear), 0, 0};
  return {static_cast<unsigned>(linear % size.x), static_cast<unsigned>(linear / size.x % size.y),
          static_cast<unsigned>(linear / size.x / size.y)};
}

std::string text(const uint3& at) {
  return "(" + std::to_string(at.x) + "," + std::to_string(at.y) + "," + std::to_string(at.z) + ")";
}

}  // namespace

Block& block() {
  static auto* running = new Block;  // never destroyed: CUDA calls may come from static destructors
  return *running;
}

const Running& running() { return now; }

std::string running_thread() { return block().name_of(block().thread()); }

void order_positions(std::vector<uint32_t>& order, uint32_t count, uint64_t salt) {
  order.resize(count);
  std::iota(order.begin(), order.end(), 0u);
  if (settings().order == Order::reverse) std::ranges::reverse(order);
  if (settings().order == Order::random) {
    std::minstd_rand random(static_cast<uint32_t>(settings().seed * 0x9e3779b97f4a7c15u + salt));
    std::ranges::shuffle(order, random);
  }
}

cudaError_t run(const Launch& launch) {
  const uint64_t count = uint64_t{launch.grid.x} * launch.grid.y * launch.grid.z;
  blockDim = launch.block;
  gridDim = launch.grid;
  now = {.kernel = launch.kernel,
         .arguments = static_cast<const std::byte*>(launch.arguments.get()),
         .argument_bytes = launch.signature->bytes,
         .launch = ++launches,
         .first_block = blocks + 1};
  block().clear_error();
  checker().begin();
  access_recorder().begin_launch(launch.kernel);
  std::vector<uint32_t> order;
  const bool shuffled = settings().order == Order::random && count <= (uint64_t{1} << 24);
  if (shuffled) order_positions(order, static_cast<uint32_t>(count), launches);
  for (uint64_t i = 0; i < count && block().error() == cudaSuccess; ++i) {
    const uint64_t linear = shuffled                             ? order[i]
                            : settings().order == Order::reverse ? count - 1 - i
                                                                 : i;
    now.block = ++blocks;
    now.barriers = 0;
    block().run(launch, index_of(linear, launch.grid), now.block);
  }
  now = {};
  return block().error();
}

void Block::start(const Launch& launch) {
  launch_ = &launch;
  const uint32_t threads = launch.block.x * launch.block.y * launch.block.z;
  lanes_.assign(threads, {});
  if (settings().order == Order::random || ordered_ != settings().order || order_.size() != threads)
    order_positions(order_, threads, now.block);
  ordered_ = settings().order;
  next_ = 0;
  live_ = threads;
  at_barrier_ = at_exchange_ = 0;
  predicates_ = 0;
  atomics_ = idle_atomics_ = 0;
}

void Block::run(const Launch& launch, uint3 index, uint64_t serial) {
  blockIdx = index;
  start(launch);
  begin_shared(launch.shared_limit, launch.dynamic_shared, serial);
  access_recorder().begin_block(launch.block.x * launch.block.y * launch.block.z);
  while (live_ > 0 && error_ == cudaSuccess) {
    if (next_ < order_.size()) {
      fiber_ = idle_fiber();
      fiber_->enter();
    } else if (!resume_ready() && error_ == cudaSuccess) {
      release_barrier();
    }
  }
  if (error_ == cudaSuccess) return;
  for (const auto& fiber : fibers_) fiber->restart();
  idle_.clear();
  for (const auto& fiber : fibers_) idle_.push_back(fiber.get());
}

void Block::abandon(cudaError_t error) {
  error_ = error;
  fiber_->leave();
  std::abort();  // nobody comes back to an abandoned kernel
}

Fiber* Block::idle_fiber() {
  if (idle_.empty()) {
    fibers_.push_back(std::make_unique<Fiber>(body));
    return fibers_.back().get();
  }
  Fiber* fiber = idle_.back();
  idle_.pop_back();
  return fiber;
}

void Block::make_current(uint32_t thread) {
  current_ = thread;
  now.thread = thread;
  threadIdx = index_of(thread, launch_->block);
}

// On a fiber: threads that never wait follow one another on one stack.
void Block::body() {
  Block& b = block();
  Fiber* own = b.fiber_;
  while (b.next_ < b.order_.size()) {
    b.make_current(b.order_[b.next_++]);
    b.lanes_[b.current_].state = LaneState::ready;
    b.launch_->signature->call(b.launch_->kernel, b.launch_->arguments.get());
    b.exit_thread();
  }
  b.idle_.push_back(own);
}

void Block::wait(LaneState state, const Site& site) {
  Lane& lane = lanes_[current_];
  lane.state = state;
  lane.site = site;
  lane.fiber = fiber_;
  fiber_->leave();
}

bool Block::resume_ready() {
  bool any = false;
  for (size_t i = 0; i < order_.size() && error_ == cudaSuccess; ++i) {
    Lane& lane = lanes_[order_[i]];
    if (lane.state != LaneState::ready) continue;
    any = true;
    make_current(order_[i]);
    fiber_ = lane.fiber;
    fiber_->enter();
  }
  return any;
}

void Block::exit_thread() {
  Lane& gone = lanes_[current_];
  gone.state = LaneState::exited;
  access_recorder().thread_left();
  --live_;
  idle_atomics_ = 0;
  if (at_exchange_ == 0) return;
  const uint32_t first = current_ / kWarp * kWarp, bit = 1u << (current_ - first);
  const uint32_t last = std::min<uint32_t>(first + kWarp, static_cast<uint32_t>(lanes_.size()));
  for (uint32_t i = first; i < last; ++i)
    if (lanes_[i].state == LaneState::at_exchange && (lanes_[i].mask & bit))
      kernel_fault(
          cudaErrorIllegalInstruction,
          name_of(current_) + " has left the kernel, but the mask of a warp-wide function names it",
          to_string(lanes_[i].site));
}

int Block::barrier(int predicate, const Site& site) {
  predicates_ += predicate != 0;
  ++at_barrier_;
  wait(LaneState::at_barrier, site);
  return passed_predicates_;
}

// Called when no thread can run.
void Block::release_barrier() {
  uint32_t first = 0;
  while (lanes_[first].state == LaneState::exited) ++first;
  make_current(first);
  if (at_barrier_ < live_) return stop("deadlock: " + waiting());
  const Site& site = lanes_[first].site;
  for (uint32_t i = 0; i < lanes_.size(); ++i) {
    const Lane& lane = lanes_[i];
    if (lane.state == LaneState::exited)
      return stop("divergent barrier: " + name_of(i) + " has left the kernel");
    if (lane.site.id != site.id || lane.site.line != site.line)
      return stop("divergent barrier: " + name_of(i) + " waits at another one, " +
                  to_string(lane.site));
  }
  for (Lane& lane : lanes_) lane.state = LaneState::ready;
  passed_predicates_ = std::exchange(predicates_, 0);
  at_barrier_ = 0;
  idle_atomics_ = 0;
  ++now.barriers;
  access_recorder().passed_barrier();
}

void Block::stop(const std::string& what) {
  report_fault(what, to_string(lanes_[current_].site));
  error_ = cudaErrorLaunchFailure;
}

// Who waits where, each place once.
std::string Block::waiting() const {
  std::map<std::string, uint32_t> places;
  for (uint32_t i = 0; i < lanes_.size(); ++i)
    if (lanes_[i].state == LaneState::at_barrier)
      places.emplace("at the barrier " + to_string(lanes_[i].site), i);
    else if (lanes_[i].state == LaneState::at_exchange)
      places.emplace("in a warp-wide function at " + to_string(lanes_[i].site), i);
  std::string text;
  for (const auto& [place, thread] : places)
    text += (text.empty() ? "" : ", ") + name_of(thread) + " waits " + place;
  return text;
}

void Block::spin(bool idle, const void* code) {
  constexpr int64_t kPatience = 1000, kTooLong = 10'000'000;
  idle_atomics_ = idle ? idle_atomics_ + 1 : 0;
  if (idle_atomics_ > kTooLong)
    kernel_fault(cudaErrorLaunchTimeout,
                 "deadlock: a loop waits for another thread and nothing changes; a block can't "
                 "wait for another, which may not run beside it",
                 describe_code(code));
  if (++atomics_ % kPatience == 0 && live_ > 1) wait(LaneState::ready, {});
}

bool Block::is_on_stack(const void* address) const { return fiber_ && fiber_->holds(address); }

std::string Block::name_of(uint32_t thread) const {
  return "thread " + text(index_of(thread, launch_->block)) + " of block " + text(blockIdx);
}

int barrier(int predicate, const Site& site) { return block().barrier(predicate, site); }
uint64_t exchange(WarpOp op, uint32_t mask, uint64_t value, uint32_t source, bool is_signed,
                  const Site& site) {
  return block().exchange(op, mask, value, source, is_signed, site);
}
void spin(bool idle, const void* code) { block().spin(idle, code); }
bool is_on_stack(const void* address) { return block().is_on_stack(address); }

}  // namespace simt
