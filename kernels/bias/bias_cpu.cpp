// Sums in vectors over the positions of a channel; the lanes are added at the end.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/bias/bias_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include "kernels/bias/bias.h"
#include "kernels/linear/product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

/// The sum of `positions` rows of `width` examples; lanes from `valid` on are left out.
template <class D>
float sum_rows(D d, const float* x, int64_t positions, int64_t width, int64_t valid) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto sum = hn::Zero(d);
  for (int64_t lane = 0; lane < valid; lane += lanes) {
    const auto mask = hn::FirstN(d, static_cast<size_t>(valid - lane));
    for (int64_t i = 0; i < positions; ++i)
      sum = hn::Add(sum, hn::MaskedLoad(mask, d, x + i * width + lane));
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

void bias_grad(const Args& args) {
  const Tensor& dy = args.in[0];
  const int64_t channels = dy.shape[0], positions = channels ? dy.features / channels : 0;
  const int64_t width = dy.batch.width;
  float* db = args.out[0].as<float>();
  with_lanes(width, [&](auto d) {
    for (int64_t s = 0; s < dy.batch.slices; ++s)
      for (int64_t c = 0; c < channels; ++c)
        db[c] += sum_rows(d, dy.slice<float>(s) + c * positions * width, positions, width,
                          args.valid_lanes(dy, s));
  });
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(bias_grad);

void bias_grad_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(bias_grad)(args); }

}  // namespace cairn
#endif
