// Softmax of vectors that walk along columns: either a lane is a column, or a column is contiguous
// and lanes are its elements.
#if defined(KERNELS_SOFTMAX_SOFTMAX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KERNELS_SOFTMAX_SOFTMAX_INL_H_
#undef KERNELS_SOFTMAX_SOFTMAX_INL_H_
#else
#define KERNELS_SOFTMAX_SOFTMAX_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/softmax/softmax.h"
#include "kernels/unary/elementwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// exp(x - max), which is at most 1. Highway's Exp of a NaN is 0, so NaNs go around it.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ExpBelow(D d, V x, V max) {
  const V v = hn::Sub(x, max);
  return hn::IfThenElse(hn::IsNaN(v), v, hn::Exp(d, v));
}

/// The lanes of a vector that belong to the column: all of them, or the first few at its end.
/// `along` loads the elements that an array [size] along the axis has there.
struct AllLanes {
  template <class D>
  HWY_INLINE hn::Vec<D> load(D d, const float* x) const {
    return hn::LoadU(d, x);
  }
  template <class D>
  HWY_INLINE void store(hn::Vec<D> v, D d, float* y) const {
    hn::StoreU(v, d, y);
  }
  template <class D>
  HWY_INLINE hn::Vec<D> along(D d, const float* of_axis, int64_t i) const {
    return hn::LoadU(d, of_axis + i);
  }
  template <class V>
  HWY_INLINE V choose(V here, V) const {
    return here;
  }
};
/// The same for element k of the column in each lane.
struct ElementLanes : AllLanes {
  int64_t k = 0;

  explicit HWY_INLINE ElementLanes(int64_t k) : k(k) {}
  template <class D>
  HWY_INLINE hn::Vec<D> along(D d, const float* of_axis, int64_t) const {
    return hn::Set(d, of_axis[k]);
  }
};
template <class D>
struct FirstLanes {
  hn::Mask<D> mask;

  HWY_INLINE hn::Vec<D> load(D d, const float* x) const { return hn::MaskedLoad(mask, d, x); }
  HWY_INLINE void store(hn::Vec<D> v, D d, float* y) const { hn::BlendedStore(v, mask, d, y); }
  HWY_INLINE hn::Vec<D> along(D d, const float* of_axis, int64_t i) const {
    return load(d, of_axis + i);
  }
  HWY_INLINE hn::Vec<D> choose(hn::Vec<D> here, hn::Vec<D> elsewhere) const {
    return hn::IfThenElse(mask, here, elsewhere);
  }
};

/// Lanes are columns: element k of the first lies at k * stride.
template <class D>
struct SideBySide {
  D d;
  int64_t size, stride;

  /// Calls f(i, lanes) for the vectors at i that cover the columns.
  template <class F>
  HWY_INLINE void each(F f) const {
    for (int64_t k = 0; k < size; ++k) f(k * stride, ElementLanes(k));
  }
  /// What the columns have one of.
  HWY_INLINE hn::Vec<D> get(const float* of_columns) const { return hn::LoadU(d, of_columns); }
  HWY_INLINE void put(hn::Vec<D> v, float* of_columns) const { hn::StoreU(v, d, of_columns); }
  HWY_INLINE hn::Vec<D> sum(hn::Vec<D> lanes) const { return lanes; }
  HWY_INLINE hn::Vec<D> max(hn::Vec<D> lanes) const { return lanes; }
};

/// Lanes are elements of one column, which is contiguous.
template <class D>
struct Contiguous {
  D d;
  int64_t size;

  template <class F>
  HWY_INLINE void each(F f) const {
    const auto lanes = static_cast<int64_t>(hn::Lanes(d));
    int64_t i = 0;
    for (; i + lanes <= size; i += lanes) f(i, AllLanes());
    if (i < size) f(i, FirstLanes<D>{hn::FirstN(d, static_cast<size_t>(size - i))});
  }
  HWY_INLINE hn::Vec<D> get(const float* of_column) const { return hn::Set(d, *of_column); }
  HWY_INLINE void put(hn::Vec<D> v, float* of_column) const { *of_column = hn::GetLane(v); }
  HWY_INLINE hn::Vec<D> sum(hn::Vec<D> lanes) const { return hn::SumOfLanes(d, lanes); }
  HWY_INLINE hn::Vec<D> max(hn::Vec<D> lanes) const { return hn::MaxOfLanes(d, lanes); }
};

/// Calls f(walk, slice, i) for walks that begin at element i of the slices and cover all columns;
/// on the call's threads.
template <class F>
HWY_INLINE void for_columns(const Args& args, const Columns& shape, F f) {
  constexpr int64_t kTaskElements = 16384, kColumns = 256;  // columns of a run
  const int64_t runs = (shape.stride + kColumns - 1) / kColumns, each = shape.outer * runs;
  const int64_t run = std::max<int64_t>(1, shape.size * std::min(shape.stride, kColumns));
  const int64_t grain = std::max<int64_t>(1, kTaskElements / run);
  const int64_t tasks = each * args.in[0].batch.slices;
  for_ranges(args, tasks, grain, [&](int64_t begin, int64_t end) HWY_ATTR {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t s = task / each, first = task % runs * kColumns;
      const int64_t at = shape.begin(task % each / runs * shape.stride + first);
      if (shape.stride == 1) {
        const hn::ScalableTag<float> d;
        f(Contiguous<decltype(d)>{d, shape.size}, s, at);
      } else {
        for_lanes(std::min(kColumns, shape.stride - first), [&](auto d, int64_t i) HWY_ATTR {
          f(SideBySide<decltype(d)>{d, shape.size, shape.stride}, s, at + i);
        });
      }
    }
  });
}

/// A sum of any number of terms, off by a few roundings: terms are added sixteen at a time, and
/// what is lost where those sums join the total is kept (Knuth 1969, TwoSum; Kahan 1965).
template <class D, class V = hn::Vec<D>>
class LongSum {
 public:
  explicit HWY_INLINE LongSum(D d)
      : zero_(hn::Zero(d)), part_(zero_), total_(zero_), lost_(zero_) {}

  HWY_INLINE void add(V v) {
    part_ = hn::Add(part_, v);
    if (++count_ % 16 == 0) join();
  }
  HWY_INLINE V result() {
    join();
    return hn::IfThenElse(hn::IsFinite(lost_), hn::Add(total_, lost_), total_);
  }

 private:
  HWY_INLINE void join() {
    const V sum = hn::Add(total_, part_), joined = hn::Sub(sum, total_);
    const V lost = hn::Add(hn::Sub(total_, hn::Sub(sum, joined)), hn::Sub(part_, joined));
    lost_ = hn::Add(lost_, lost);
    total_ = sum, part_ = zero_;
  }

  V zero_, part_, total_, lost_;
  int64_t count_ = 0;
};

/// The sum of term(i, lanes) along each column.
template <class Walk, class F>
HWY_INLINE auto SumOf(const Walk& walk, F term) {
  LongSum sum(walk.d);
  const auto none = hn::Zero(walk.d);
  walk.each([&](int64_t i, auto lanes) HWY_ATTR { sum.add(lanes.choose(term(i, lanes), none)); });
  return walk.sum(sum.result());
}

/// The softmax p of columns whose largest elements are `max`; returns the sums of exp(x - max).
template <class Walk, class V>
HWY_INLINE V SoftmaxOf(const Walk& walk, const float* x, V max, float* p) {
  const auto d = walk.d;
  const V sum = SumOf(walk, [&](int64_t i, auto lanes) HWY_ATTR {
    const V e = ExpBelow(d, lanes.load(d, x + i), max);
    lanes.store(e, d, p + i);
    return e;
  });
  walk.each([&](int64_t i, auto lanes)
                HWY_ATTR { lanes.store(hn::Div(lanes.load(d, p + i), sum), d, p + i); });
  return sum;
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
