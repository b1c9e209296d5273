// One pass over each slice as a run of floats: 4 bytes read and 4 written an element.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/round_bf16/round_bf16_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include "kernels/round_bf16/round_bf16.h"
#include "kernels/unary/elementwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

void run_round_bf16(const Args& args) {
  map_tensors(
      args,
      [](auto d, auto x) HWY_ATTR {
        const hn::RebindToUnsigned<decltype(d)> du;
        const auto bits = hn::BitCast(du, x);
        const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
        const auto sum = hn::Add(hn::Add(bits, hn::Set(du, 0x7FFF)), odd);
        const auto rounded = hn::BitCast(d, hn::And(sum, hn::Set(du, 0xFFFF0000)));
        return hn::IfThenElse(hn::IsNaN(x), x, rounded);
      },
      args.out[0], args.in[0]);
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(run_round_bf16);

void round_bf16_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_round_bf16)(args); }

}  // namespace cairn
#endif
