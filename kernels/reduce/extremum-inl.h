// The larger or smaller of two vectors, for every SIMD target.
#if defined(KERNELS_REDUCE_EXTREMUM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KERNELS_REDUCE_EXTREMUM_INL_H_
#undef KERNELS_REDUCE_EXTREMUM_INL_H_
#else
#define KERNELS_REDUCE_EXTREMUM_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// extremum() of kernels/reduce/reduce.h on vectors. Equal numbers have equal bits but for zero's
/// sign, which `and` and `or` settle.
template <bool kLargest, class V>
HWY_INLINE V Extremum(V a, V b) {
  if constexpr (kLargest)
    return hn::IfThenElse(hn::Eq(a, b), hn::And(a, b),
                          hn::IfThenElse(hn::Or(hn::Gt(b, a), hn::IsNaN(b)), b, a));
  else
    return hn::IfThenElse(hn::Eq(a, b), hn::Or(a, b),
                          hn::IfThenElse(hn::Or(hn::Lt(b, a), hn::IsNaN(b)), b, a));
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
