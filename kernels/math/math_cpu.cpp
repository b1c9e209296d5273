// One pass over each slice as a run of floats: 4 bytes read and 4 written an element (the gradients
// read 8). But for exp and log the operations are the reference's.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/math/math_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include "kernels/math/math-inl.h"
#include "kernels/math/math.h"
#include "kernels/unary/elementwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

template <MathFunction f, class D, class V = hn::Vec<D>>
HWY_INLINE V Evaluate(D d, V x, V a, V b) {
  if constexpr (f == MathFunction::neg) return hn::Neg(x);
  if constexpr (f == MathFunction::exp) return FullExp(d, x);
  if constexpr (f == MathFunction::log) return FullLog(d, x);
  if constexpr (f == MathFunction::square) return hn::Mul(x, x);
  if constexpr (f == MathFunction::sqrt) return hn::Sqrt(x);
  if constexpr (f == MathFunction::abs) return hn::Abs(x);
  if constexpr (f == MathFunction::clamp) {
    const V above = hn::IfThenElse(hn::Lt(x, a), a, x);
    return hn::IfThenElse(hn::Gt(above, b), b, above);
  }
  if constexpr (f == MathFunction::scale) return hn::Add(hn::Mul(a, x), b);
}

template <MathFunction f, class D, class V = hn::Vec<D>>
HWY_INLINE V EvaluateGrad(D d, V v, V dy, V a, V b) {
  if constexpr (f == MathFunction::exp) return hn::Mul(dy, v);
  if constexpr (f == MathFunction::log) return hn::Div(dy, v);
  if constexpr (f == MathFunction::square) return hn::Mul(dy, hn::Add(v, v));
  if constexpr (f == MathFunction::sqrt) return hn::Div(dy, hn::Add(v, v));
  if constexpr (f == MathFunction::abs) {
    const V one = hn::Set(d, 1.0f);
    const V sign = hn::Sub(hn::IfThenElseZero(hn::Gt(v, hn::Zero(d)), one),
                           hn::IfThenElseZero(hn::Lt(v, hn::Zero(d)), one));
    return hn::Mul(dy, sign);
  }
  if constexpr (f == MathFunction::clamp)
    return hn::IfThenElseZero(hn::And(hn::Ge(v, a), hn::Le(v, b)), dy);
}

template <MathFunction f>
void map_function(const Args& args) {
  const MathAttrs<float> attrs(args);
  map_tensors(
      args,
      [attrs](auto d, auto x)
          HWY_ATTR { return Evaluate<f>(d, x, hn::Set(d, attrs.a), hn::Set(d, attrs.b)); },
      args.out[0], args.in[0]);
}

template <MathFunction f>
void map_gradient(const Args& args) {
  const MathAttrs<float> attrs(args);
  map_tensors(
      args,
      [attrs](auto d, auto v, auto dy)
          HWY_ATTR { return EvaluateGrad<f>(d, v, dy, hn::Set(d, attrs.a), hn::Set(d, attrs.b)); },
      args.out[0], args.in[0], args.in[1]);
}

void run_math(MathFunction f, const Args& args) {
  switch (f) {
    case MathFunction::neg:
      return map_function<MathFunction::neg>(args);
    case MathFunction::exp:
      return map_function<MathFunction::exp>(args);
    case MathFunction::log:
      return map_function<MathFunction::log>(args);
    case MathFunction::square:
      return map_function<MathFunction::square>(args);
    case MathFunction::sqrt:
      return map_function<MathFunction::sqrt>(args);
    case MathFunction::abs:
      return map_function<MathFunction::abs>(args);
    case MathFunction::clamp:
      return map_function<MathFunction::clamp>(args);
    case MathFunction::scale:
      return map_function<MathFunction::scale>(args);
  }
}

void run_math_grad(MathFunction f, const Args& args) {
  switch (f) {
    case MathFunction::exp:
      return map_gradient<MathFunction::exp>(args);
    case MathFunction::log:
      return map_gradient<MathFunction::log>(args);
    case MathFunction::square:
      return map_gradient<MathFunction::square>(args);
    case MathFunction::sqrt:
      return map_gradient<MathFunction::sqrt>(args);
    case MathFunction::abs:
      return map_gradient<MathFunction::abs>(args);
    case MathFunction::clamp:
      return map_gradient<MathFunction::clamp>(args);
    case MathFunction::neg:
    case MathFunction::scale:
      return;  // they are no rows
  }
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(run_math);
HWY_EXPORT(run_math_grad);

void evaluate_cpu(MathFunction f, const Args& args) { HWY_DYNAMIC_DISPATCH(run_math)(f, args); }
void evaluate_grad_cpu(MathFunction f, const Args& args) {
  HWY_DYNAMIC_DISPATCH(run_math_grad)(f, args);
}

}  // namespace cairn
#endif
