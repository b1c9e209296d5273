// One pass over both tensors: 8 bytes read an element, and 4 written by the gradient.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/mse_loss/mse_loss_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include "kernels/mse_loss/mse_loss.h"
#include "kernels/mse_loss/pointwise_loss-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

void run_mse_loss(const Args& args) {
  sum_loss(args, [](auto, auto x, auto t) HWY_ATTR {
    const auto error = hn::Sub(x, t);
    return hn::Mul(error, error);
  });
}
void run_mse_loss_grad(const Args& args) {
  map_slope<SquaredError>(args, [](auto, auto x, auto t) HWY_ATTR {
    const auto error = hn::Sub(x, t);
    return hn::Add(error, error);
  });
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(run_mse_loss);
HWY_EXPORT(run_mse_loss_grad);

void mse_loss_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_mse_loss)(args); }
void mse_loss_grad_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_mse_loss_grad)(args); }

}  // namespace cairn
#endif
