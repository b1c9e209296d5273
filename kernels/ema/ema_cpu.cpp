// Vectors over the flat buffers: 8 bytes read and 4 written an element.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/ema/ema_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include "kernels/ema/ema.h"
#include "kernels/unary/elementwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

void ema(const Args& args) {
  const double decay = args.attrs->real(ema_attr::decay);
  const auto keep = static_cast<float>(decay), rest = static_cast<float>(1 - decay);
  map_tensors(
      args,
      [=](auto d, auto average, auto p)
          HWY_ATTR { return hn::MulAdd(hn::Set(d, keep), average, hn::Mul(hn::Set(d, rest), p)); },
      args.in[0], args.in[0], args.in[1]);
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(ema);

void ema_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(ema)(args); }

}  // namespace cairn
#endif
