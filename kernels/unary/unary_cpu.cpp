// Whatever the layout, an elementwise function is one run over memory.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/unary/unary_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include "kernels/unary/activation-inl.h"
#include "kernels/unary/unary.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

constexpr int64_t kRun = 16384;  // elements of a thread's task

template <class D, class V = hn::Vec<D>>
HWY_INLINE V ActivateGrad(D d, Activation a, V y, V dy) {
  const auto one = hn::Set(d, 1.0f);
  switch (a) {
    case Activation::relu:
      return hn::IfThenElseZero(hn::Gt(y, hn::Zero(d)), dy);
    case Activation::tanh:
      return hn::Mul(dy, hn::Mul(hn::Sub(one, y), hn::Add(one, y)));
    case Activation::sigmoid:
      return hn::Mul(dy, hn::Mul(y, hn::Sub(one, y)));
    case Activation::none:
      break;
  }
  return dy;
}

/// f(d, i) for full vectors, then for single elements.
template <class F>
void for_vectors(int64_t begin, int64_t end, F f) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; begin + lanes <= end; begin += lanes) f(d, begin);
  for (; begin < end; ++begin) f(one, begin);
}

template <Activation a>
void unary(const Args& args) {
  const float* x = args.in[0].as<float>();
  float* y = args.out[0].as<float>();
  for_ranges(args, args.in[0].elements(), kRun, [&](int64_t begin, int64_t end) {
    for_vectors(begin, end, [&](auto d, int64_t i) {
      hn::StoreU(Activate(d, a, hn::LoadU(d, x + i)), d, y + i);
    });
  });
}

template <Activation a>
void unary_grad(const Args& args) {
  const float *y = args.in[0].as<float>(), *dy = args.in[1].as<float>();
  float* dx = args.out[0].as<float>();
  for_ranges(args, args.in[0].elements(), kRun, [&](int64_t begin, int64_t end) {
    for_vectors(begin, end, [&](auto d, int64_t i) {
      hn::StoreU(ActivateGrad(d, a, hn::LoadU(d, y + i), hn::LoadU(d, dy + i)), d, dx + i);
    });
  });
}

void relu(const Args& args) { unary<Activation::relu>(args); }
void tanh(const Args& args) { unary<Activation::tanh>(args); }
void sigmoid(const Args& args) { unary<Activation::sigmoid>(args); }
void relu_grad(const Args& args) { unary_grad<Activation::relu>(args); }
void tanh_grad(const Args& args) { unary_grad<Activation::tanh>(args); }
void sigmoid_grad(const Args& args) { unary_grad<Activation::sigmoid>(args); }

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(relu);
HWY_EXPORT(tanh);
HWY_EXPORT(sigmoid);
HWY_EXPORT(relu_grad);
HWY_EXPORT(tanh_grad);
HWY_EXPORT(sigmoid_grad);

void relu_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(relu)(args); }
void tanh_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(tanh)(args); }
void sigmoid_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(sigmoid)(args); }
void relu_grad_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(relu_grad)(args); }
void tanh_grad_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(tanh_grad)(args); }
void sigmoid_grad_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(sigmoid_grad)(args); }

}  // namespace cairn
#endif
