// One pass over each slice as a run of floats: 8 bytes read and 4 written an element.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/residual_add/residual_add_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include "kernels/residual_add/residual_add.h"
#include "kernels/unary/activation-inl.h"
#include "kernels/unary/elementwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

template <Activation act>
HWY_INLINE void map_residual_add(const Args& args) {
  map_tensors(
      args, [](auto d, auto a, auto b) HWY_ATTR { return Activate(d, act, hn::Add(a, b)); },
      args.out[0], args.in[0], args.in[1]);
}

void run_residual_add(const Args& args) {
  if (static_cast<Activation>(args.attrs->integer(0)) == Activation::relu)
    map_residual_add<Activation::relu>(args);
  else
    map_residual_add<Activation::none>(args);
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(run_residual_add);

void residual_add_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_residual_add)(args); }

}  // namespace cairn
#endif
