// Lanes are columns: a vector goes down the axis. Columns lie side by side along the inner axes and
// the examples, so a batch fills vectors whatever the axis. The input is read twice or thrice, a
// block of columns small enough to stay in cache.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/softmax/softmax_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include <algorithm>

#include "kernels/math/math-inl.h"
#include "kernels/softmax/softmax-inl.h"
#include "kernels/softmax/softmax.h"
#include "kernels/unary/elementwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

/// Calls f(d, slice, i) so that the vectors of d at element i of the slices cover all columns'
/// first elements; on the call's threads.
template <class F>
HWY_INLINE void for_columns(const Args& args, const SoftmaxShape& shape, F f) {
  constexpr int64_t kColumns = 256, kElements = 16384;  // of a run, of a task
  const int64_t runs = (shape.stride + kColumns - 1) / kColumns, each = shape.outer * runs;
  const int64_t run = std::max<int64_t>(1, shape.size * std::min(shape.stride, kColumns));
  const int64_t grain = std::max<int64_t>(1, kElements / run);
  const int64_t tasks = each * args.in[0].batch.slices;
  for_ranges(args, tasks, grain, [&](int64_t begin, int64_t end) HWY_ATTR {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t s = task / each, first = task % runs * kColumns;
      const int64_t at = shape.begin(task % each / runs * shape.stride + first);
      for_lanes(std::min(kColumns, shape.stride - first),
                [&](auto d, int64_t i) HWY_ATTR { f(d, s, at + i); });
    }
  });
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V ColumnMax(D d, const float* x, int64_t size, int64_t stride) {
  V max = hn::LoadU(d, x);
  for (int64_t k = 1; k < size; ++k) {
    const V v = hn::LoadU(d, x + k * stride);
    max = hn::IfThenElse(hn::Gt(v, max), v, max);
  }
  return max;
}

void run_softmax(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0];
  const SoftmaxShape shape(args);
  for_columns(args, shape, [&](auto d, int64_t s, int64_t at) HWY_ATTR {
    const float* from = x.slice<float>(s) + at;
    SoftmaxOf(d, from, shape.size, shape.stride, ColumnMax(d, from, shape.size, shape.stride),
              y.slice<float>(s) + at);
  });
}

void run_log_softmax(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0];
  const SoftmaxShape shape(args);
  const int64_t end = shape.size * shape.stride;
  for_columns(args, shape, [&](auto d, int64_t s, int64_t at) HWY_ATTR {
    const float* from = x.slice<float>(s) + at;
    float* to = y.slice<float>(s) + at;
    const auto max = ColumnMax(d, from, shape.size, shape.stride);
    LongSum sum(d);
    for (int64_t i = 0; i < end; i += shape.stride)
      sum.add(ExpBelow(d, hn::LoadU(d, from + i), max));
    const auto log_sum = FullLog(d, sum.result());
    for (int64_t i = 0; i < end; i += shape.stride)
      hn::StoreU(hn::Sub(hn::Sub(hn::LoadU(d, from + i), max), log_sum), d, to + i);
  });
}

void run_softmax_grad(const Args& args) {
  const Tensor &y = args.in[0], &dy = args.in[1], &dx = args.out[0];
  const SoftmaxShape shape(args);
  const int64_t end = shape.size * shape.stride;
  for_columns(args, shape, [&](auto d, int64_t s, int64_t at) HWY_ATTR {
    const float *p = y.slice<float>(s) + at, *g = dy.slice<float>(s) + at;
    float* to = dx.slice<float>(s) + at;
    LongSum sums(d);
    for (int64_t i = 0; i < end; i += shape.stride)
      sums.add_product(hn::LoadU(d, g + i), hn::LoadU(d, p + i));
    const auto sum = sums.result();
    for (int64_t i = 0; i < end; i += shape.stride)
      hn::StoreU(hn::Mul(hn::LoadU(d, p + i), hn::Sub(hn::LoadU(d, g + i), sum)), d, to + i);
  });
}

void run_log_softmax_grad(const Args& args) {
  const Tensor &y = args.in[0], &dy = args.in[1], &dx = args.out[0];
  const SoftmaxShape shape(args);
  const int64_t end = shape.size * shape.stride;
  for_columns(args, shape, [&](auto d, int64_t s, int64_t at) HWY_ATTR {
    const float *p = y.slice<float>(s) + at, *g = dy.slice<float>(s) + at;
    float* to = dx.slice<float>(s) + at;
    LongSum sums(d);
    for (int64_t i = 0; i < end; i += shape.stride) sums.add(hn::LoadU(d, g + i));
    const auto sum = sums.result();
    for (int64_t i = 0; i < end; i += shape.stride)
      hn::StoreU(hn::NegMulAdd(FullExp(d, hn::LoadU(d, p + i)), sum, hn::LoadU(d, g + i)), d,
                 to + i);
  });
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(run_softmax);
HWY_EXPORT(run_log_softmax);
HWY_EXPORT(run_softmax_grad);
HWY_EXPORT(run_log_softmax_grad);

void softmax_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_softmax)(args); }
void log_softmax_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_log_softmax)(args); }
void softmax_grad_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_softmax_grad)(args); }
void log_softmax_grad_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_log_softmax_grad)(args); }

}  // namespace cairn
#endif
