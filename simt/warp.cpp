// Warp-wide functions: the lanes of a mask meet and exchange values.
#include <algorithm>
#include <bit>

#include "simt/block.h"
#include "simt/checker.h"

namespace simt {
namespace {

/// Sum, minimum, ... of two values, as 32-bit integers.
uint64_t combine(WarpOp op, uint64_t a, uint64_t b, bool is_signed) {
  const auto sa = static_cast<int32_t>(a), sb = static_cast<int32_t>(b);
  const auto ua = static_cast<uint32_t>(a), ub = static_cast<uint32_t>(b);
  switch (op) {
    case WarpOp::add:
      return ua + ub;
    case WarpOp::min:
      return is_signed ? static_cast<uint32_t>(std::min(sa, sb)) : std::min(ua, ub);
    case WarpOp::max:
      return is_signed ? static_cast<uint32_t>(std::max(sa, sb)) : std::max(ua, ub);
    case WarpOp::bit_and:
      return ua & ub;
    case WarpOp::bit_or:
      return ua | ub;
    default:
      return ua ^ ub;
  }
}

}  // namespace

bool Block::complete(uint32_t warp, const Lane& asking) const {
  for (uint32_t rest = asking.mask; rest; rest &= rest - 1) {
    const Lane& lane = lanes_[warp + static_cast<uint32_t>(std::countr_zero(rest))];
    if (lane.state != LaneState::at_exchange || lane.mask != asking.mask || lane.op != asking.op)
      return false;
    if (asking.op != WarpOp::sync && lane.site.id != asking.site.id) return false;
  }
  return true;
}

// Gives every lane of the mask its result and lets it go on.
void Block::answer(uint32_t warp, const Lane& asking) {
  const WarpOp op = asking.op;
  const uint32_t mask = asking.mask;
  const auto each = [&](auto use) {
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
      const auto i = static_cast<uint32_t>(std::countr_zero(rest));
      use(i, lanes_[warp + i]);
    }
  };
  uint64_t votes = 0, total = 0;
  bool first = true;
  each([&](uint32_t i, Lane& lane) {
    if (lane.value) votes |= 1u << i;
    total = first ? lane.value : combine(op, total, lane.value, lane.is_signed);
    first = false;
  });
  each([&](uint32_t, Lane& lane) {
    uint64_t same = 0;
    switch (op) {
      case WarpOp::sync:
        break;
      case WarpOp::shuffle:
        lane.result = lanes_[warp + lane.source].value;
        break;
      case WarpOp::ballot:
        lane.result = votes;
        break;
      case WarpOp::all:
        lane.result = votes == mask;
        break;
      case WarpOp::any:
        lane.result = votes != 0;
        break;
      case WarpOp::match:
        each([&](uint32_t j, const Lane& other) {
          if (other.value == lane.value) same |= 1u << j;
        });
        lane.result = same;
        break;
      default:
        lane.result = total;
    }
  });
  each([&](uint32_t, Lane& lane) {
    lane.state = LaneState::ready;
    --at_exchange_;
  });
  if (op == WarpOp::sync) checker().warp_met(warp, mask);
}

uint64_t Block::exchange(WarpOp op, uint32_t mask, uint64_t value, uint32_t source, bool is_signed,
                         const Site& site) {
  const uint32_t warp = current_ / kWarp * kWarp, own = current_ - warp;
  const auto illegal = [&](const std::string& what) {
    kernel_fault(cudaErrorIllegalInstruction, what, to_string(site));
  };
  if (!(mask >> own & 1))
    illegal("the mask of a warp-wide function leaves out the thread that calls it");
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    const uint32_t thread = warp + static_cast<uint32_t>(std::countr_zero(rest));
    if (thread >= lanes_.size())
      illegal("the mask of a warp-wide function names lanes that the block doesn't have");
    if (lanes_[thread].state == LaneState::exited)
      illegal(name_of(thread) +
              " has left the kernel, but the mask of a warp-wide function names it");
  }
  if (op == WarpOp::shuffle && !(mask >> source & 1))
    illegal("a shuffle reads from lane " + std::to_string(source) +
            ", which is outside of its mask");
  Lane& lane = lanes_[current_];
  lane.op = op;
  lane.mask = mask;
  lane.value = value;
  lane.source = source;
  lane.is_signed = is_signed;
  lane.site = site;
  lane.state = LaneState::at_exchange;
  ++at_exchange_;
  if (complete(warp, lane)) {
    answer(warp, lane);
  } else {
    wait(LaneState::at_exchange, site);
  }
  return lane.result;
}

}  // namespace simt
