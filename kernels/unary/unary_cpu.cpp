// One pass over each slice as a run of floats: 4 bytes read and 4 written an element (the gradients
// read 8).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/unary/unary_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include "kernels/unary/activation-inl.h"
#include "kernels/unary/elementwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

template <Activation a>
HWY_INLINE void map_function(const Args& args) {
  map_tensors(
      args, [](auto d, auto x) HWY_ATTR { return Activate(d, a, x); }, args.out[0], args.in[0]);
}

template <Activation a>
HWY_INLINE void map_gradient(const Args& args) {
  map_tensors(
      args, [](auto d, auto y, auto dy) HWY_ATTR { return ActivateGrad(d, a, y, dy); }, args.out[0],
      args.in[0], args.in[1]);
}

void run_relu(const Args& args) { map_function<Activation::relu>(args); }
void run_tanh(const Args& args) { map_function<Activation::tanh>(args); }
void run_sigmoid(const Args& args) { map_function<Activation::sigmoid>(args); }
void run_scaled_tanh(const Args& args) { map_function<Activation::scaled_tanh>(args); }

void run_relu_grad(const Args& args) { map_gradient<Activation::relu>(args); }
void run_tanh_grad(const Args& args) { map_gradient<Activation::tanh>(args); }
void run_sigmoid_grad(const Args& args) { map_gradient<Activation::sigmoid>(args); }
void run_scaled_tanh_grad(const Args& args) { map_gradient<Activation::scaled_tanh>(args); }

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(run_relu);
HWY_EXPORT(run_tanh);
HWY_EXPORT(run_sigmoid);
HWY_EXPORT(run_scaled_tanh);
HWY_EXPORT(run_relu_grad);
HWY_EXPORT(run_tanh_grad);
HWY_EXPORT(run_sigmoid_grad);
HWY_EXPORT(run_scaled_tanh_grad);

void relu_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_relu)(args); }
void tanh_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_tanh)(args); }
void sigmoid_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_sigmoid)(args); }
void scaled_tanh_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_scaled_tanh)(args); }
void relu_grad_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_relu_grad)(args); }
void tanh_grad_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_tanh_grad)(args); }
void sigmoid_grad_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_sigmoid_grad)(args); }
void scaled_tanh_grad_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_scaled_tanh_grad)(args); }

}  // namespace cairn
#endif
