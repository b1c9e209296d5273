// One pass over each slice as a run of floats: 8 bytes read and 4 written an element.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/add/add_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include "kernels/add/add.h"
#include "kernels/unary/elementwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

void run_add(const Args& args) {
  map_tensors(
      args, [](auto, auto a, auto b) HWY_ATTR { return hn::Add(a, b); }, args.out[0], args.in[0],
      args.in[1]);
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(run_add);

void add_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_add)(args); }

}  // namespace cairn
#endif
