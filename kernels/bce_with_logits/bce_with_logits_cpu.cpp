// One pass over both tensors: 8 bytes read an element, and 4 written by the gradients.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/bce_with_logits/bce_with_logits_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include "kernels/bce_with_logits/bce_with_logits.h"
#include "kernels/mse_loss/pointwise_loss-inl.h"
#include "kernels/unary/activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

void run_bce_with_logits(const Args& args) {
  sum_loss(args, [](auto d, auto x, auto t) HWY_ATTR {
    const auto smooth = hn::Log1p(d, hn::Exp(d, hn::Neg(hn::Abs(x))));
    const auto kink = hn::IfThenElseZero(hn::Lt(x, hn::Zero(d)), hn::Neg(x));
    const auto line = hn::Mul(hn::Sub(hn::Set(d, 1.0f), t), x);
    return hn::Add(hn::Add(line, kink), smooth);
  });
}
void run_bce_with_logits_grad(const Args& args) {
  map_slope<BinaryCrossEntropy>(
      args, [](auto d, auto x, auto t) HWY_ATTR { return hn::Sub(Sigmoid(d, x), t); });
}
void run_bce_with_logits_target_grad(const Args& args) {
  map_slope<BinaryCrossEntropyTarget>(args, [](auto, auto x, auto) HWY_ATTR { return hn::Neg(x); });
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(run_bce_with_logits);
HWY_EXPORT(run_bce_with_logits_grad);
HWY_EXPORT(run_bce_with_logits_target_grad);

void bce_with_logits_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_bce_with_logits)(args); }
void bce_with_logits_grad_cpu(const Args& args) {
  HWY_DYNAMIC_DISPATCH(run_bce_with_logits_grad)(args);
}
void bce_with_logits_target_grad_cpu(const Args& args) {
  HWY_DYNAMIC_DISPATCH(run_bce_with_logits_target_grad)(args);
}

}  // namespace cairn
#endif
