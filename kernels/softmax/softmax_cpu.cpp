// Where columns lie side by side, along the inner axes and the examples, lanes are columns and a
// vector goes down the axis; a batch fills vectors whatever the axis. A column alone, along the
// last axis of a plain tensor or of a single example, is contiguous: its elements are the lanes.
// The input is read twice or thrice, a block of columns small enough to stay in cache.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/softmax/softmax_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include <limits>

#include "kernels/math/math-inl.h"
#include "kernels/softmax/softmax-inl.h"
#include "kernels/softmax/softmax.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

template <class Walk>
HWY_INLINE auto MaxOf(const Walk& walk, const float* x) {
  auto max = hn::Set(walk.d, -std::numeric_limits<float>::infinity());
  walk.each([&](int64_t i, auto lanes) HWY_ATTR {
    const auto v = lanes.load(walk.d, x + i);
    max = lanes.choose(hn::IfThenElse(hn::Gt(v, max), v, max), max);
  });
  return walk.max(max);
}

void run_softmax(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0];
  for_columns(args, SoftmaxShape(args), [&](auto walk, int64_t s, int64_t at) HWY_ATTR {
    const float* from = x.slice<float>(s) + at;
    SoftmaxOf(walk, from, MaxOf(walk, from), y.slice<float>(s) + at);
  });
}

void run_log_softmax(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0];
  for_columns(args, SoftmaxShape(args), [&](auto walk, int64_t s, int64_t at) HWY_ATTR {
    const auto d = walk.d;
    const float* from = x.slice<float>(s) + at;
    float* to = y.slice<float>(s) + at;
    const auto max = MaxOf(walk, from);
    const auto sum = SumOf(walk, [&](int64_t i, auto lanes) HWY_ATTR {
      return ExpBelow(d, lanes.load(d, from + i), max);
    });
    const auto log_sum = FullLog(d, sum);
    walk.each([&](int64_t i, auto lanes) HWY_ATTR {
      lanes.store(hn::Sub(hn::Sub(lanes.load(d, from + i), max), log_sum), d, to + i);
    });
  });
}

void run_softmax_grad(const Args& args) {
  const Tensor &y = args.in[0], &dy = args.in[1], &dx = args.out[0];
  for_columns(args, SoftmaxShape(args), [&](auto walk, int64_t s, int64_t at) HWY_ATTR {
    const auto d = walk.d;
    const float *p = y.slice<float>(s) + at, *g = dy.slice<float>(s) + at;
    float* to = dx.slice<float>(s) + at;
    const auto sum = SumOf(walk, [&](int64_t i, auto lanes) HWY_ATTR {
      return hn::Mul(lanes.load(d, g + i), lanes.load(d, p + i));
    });
    walk.each([&](int64_t i, auto lanes) HWY_ATTR {
      const auto difference = hn::Sub(lanes.load(d, g + i), sum);
      lanes.store(hn::Mul(lanes.load(d, p + i), difference), d, to + i);
    });
  });
}

void run_log_softmax_grad(const Args& args) {
  const Tensor &y = args.in[0], &dy = args.in[1], &dx = args.out[0];
  for_columns(args, SoftmaxShape(args), [&](auto walk, int64_t s, int64_t at) HWY_ATTR {
    const auto d = walk.d;
    const float *p = y.slice<float>(s) + at, *g = dy.slice<float>(s) + at;
    float* to = dx.slice<float>(s) + at;
    const auto sum =
        SumOf(walk, [&](int64_t i, auto lanes) HWY_ATTR { return lanes.load(d, g + i); });
    walk.each([&](int64_t i, auto lanes) HWY_ATTR {
      const auto share = FullExp(d, lanes.load(d, p + i));
      lanes.store(hn::NegMulAdd(share, sum, lanes.load(d, g + i)), d, to + i);
    });
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
