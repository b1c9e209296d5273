// Softmax on vectors of columns: a lane is a column, element k of the first lies at x[k * stride].
#if defined(KERNELS_SOFTMAX_SOFTMAX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KERNELS_SOFTMAX_SOFTMAX_INL_H_
#undef KERNELS_SOFTMAX_SOFTMAX_INL_H_
#else
#define KERNELS_SOFTMAX_SOFTMAX_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// exp(x - max), which is at most 1. Highway's Exp of a NaN is 0, so NaNs go around it.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ExpBelow(D d, V x, V max) {
  const V v = hn::Sub(x, max);
  return hn::IfThenElse(hn::IsNaN(v), v, hn::Exp(d, v));
}

/// A sum of any number of terms, off by a few roundings: terms are added sixteen at a time, and
/// what is lost where those sums join the total is kept (Knuth 1969, TwoSum; Kahan 1965).
template <class D, class V = hn::Vec<D>>
class LongSum {
 public:
  explicit HWY_INLINE LongSum(D d)
      : zero_(hn::Zero(d)), part_(zero_), total_(zero_), lost_(zero_) {}

  HWY_INLINE void add(V v) { part_ = hn::Add(part_, v), count(); }
  HWY_INLINE void add_product(V a, V b) { part_ = hn::MulAdd(a, b, part_), count(); }
  HWY_INLINE V result() {
    join();
    return hn::IfThenElse(hn::IsFinite(lost_), hn::Add(total_, lost_), total_);
  }

 private:
  HWY_INLINE void count() {
    if (++count_ % 16 == 0) join();
  }
  HWY_INLINE void join() {
    const V sum = hn::Add(total_, part_), joined = hn::Sub(sum, total_);
    const V lost = hn::Add(hn::Sub(total_, hn::Sub(sum, joined)), hn::Sub(part_, joined));
    lost_ = hn::Add(lost_, lost);
    total_ = sum, part_ = zero_;
  }

  V zero_, part_, total_, lost_;
  int64_t count_ = 0;
};

/// The softmax p of the columns, whose largest elements are `max`; returns the sums of exp(x -
/// max).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V SoftmaxOf(D d, const float* x, int64_t size, int64_t stride, V max, float* p) {
  LongSum sums(d);
  for (int64_t k = 0; k < size; ++k) {
    const V e = ExpBelow(d, hn::LoadU(d, x + k * stride), max);
    hn::StoreU(e, d, p + k * stride);
    sums.add(e);
  }
  const V sum = sums.result();
  for (int64_t k = 0; k < size; ++k)
    hn::StoreU(hn::Div(hn::LoadU(d, p + k * stride), sum), d, p + k * stride);
  return sum;
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
