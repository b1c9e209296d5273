// Squares of a matrix turned over its diagonal, to have as lanes what lay in rows.
// Include it inside foreach_target code only.
#if defined(CAIRN_TURN_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CAIRN_TURN_INL_H_
#undef CAIRN_TURN_INL_H_
#else
#define CAIRN_TURN_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "core/simd.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kSide = 8;  // of the squares that are turned

#if HWY_TARGET != HWY_SCALAR
/// to[n][k] = from[k][n] for kSide examples and channels. Rows are `from_row` and `to_row` elements
/// apart.
template <class D>
HWY_INLINE void turn_square(D d, const float* from, int64_t from_row, float* to, int64_t to_row) {
  using V = hn::Vec<D>;
  const hn::RepartitionToWide<D> dw;
  V rows[kSide], pairs[kSide];
  CAIRN_UNROLL for (int k = 0; k < kSide; ++k) rows[k] = hn::LoadU(d, from + k * from_row);
  CAIRN_UNROLL for (int k = 0; k < kSide; k += 2) {
    pairs[k] = hn::InterleaveLower(d, rows[k], rows[k + 1]);
    pairs[k + 1] = hn::InterleaveUpper(d, rows[k], rows[k + 1]);
  }
  V fours[kSide];  // [h + n]: channels h ... h + 3 of example n, then of example n + 4
  CAIRN_UNROLL for (int h = 0; h < kSide; h += 4) CAIRN_UNROLL for (int n = 0; n < 2; ++n) {
    const auto low = hn::BitCast(dw, pairs[h + n]), high = hn::BitCast(dw, pairs[h + n + 2]);
    fours[h + 2 * n] = hn::BitCast(d, hn::InterleaveLower(dw, low, high));
    fours[h + 2 * n + 1] = hn::BitCast(d, hn::InterleaveUpper(dw, low, high));
  }
  CAIRN_UNROLL for (int n = 0; n < 4; ++n) {
    hn::StoreU(hn::ConcatLowerLower(d, fours[4 + n], fours[n]), d, to + n * to_row);
    hn::StoreU(hn::ConcatUpperUpper(d, fours[4 + n], fours[n]), d, to + (n + 4) * to_row);
  }
}
#endif

/// The same for `channels` channels, with zeros for those after them.
inline void turn(const float* from, int64_t from_row, int64_t channels, float* to, int64_t to_row) {
#if HWY_TARGET != HWY_SCALAR
  if (channels >= kSide)
    return turn_square(hn::CappedTag<float, kSide>(), from, from_row, to, to_row);
#endif
  for (int64_t n = 0; n < kSide; ++n)
    for (int64_t k = 0; k < kSide; ++k)
      to[n * to_row + k] = k < channels ? from[k * from_row + n] : 0;
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
