// One pass over the run of floats, in place: 8 bytes read and 4 written an element.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/accumulate/accumulate_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include "kernels/accumulate/accumulate.h"
#include "kernels/unary/elementwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

void run_accumulate(const Args& args) {
  map_tensors(
      args, [](auto, auto acc, auto x) HWY_ATTR { return hn::Add(acc, x); }, args.in[0], args.in[0],
      args.in[1]);
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(run_accumulate);

void accumulate_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_accumulate)(args); }

}  // namespace cairn
#endif
