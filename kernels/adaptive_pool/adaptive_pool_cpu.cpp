// Lanes are examples. Forward, a window is read and one output written; backward, each window's
// share goes to its places: stored where windows tile the plane, else added to dx, cleared before.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/adaptive_pool/adaptive_pool_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include <algorithm>

#include "kernels/adaptive_pool/adaptive_pool.h"
#include "kernels/linear/product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

struct AdaptiveWindow {
  int64_t h0, h1, w0, w1;
  float scale;  // 1 / places
};

/// Calls f(d, window, out, first) for every window and vector of examples of a slice: elements of y
/// and of the channel's first input.
template <class F>
void for_adaptive_windows(const AdaptiveShape& s, int64_t width, F f) {
  with_lanes(width, [&](auto d) {
    const auto lanes = static_cast<int64_t>(hn::Lanes(d));
    for (int64_t c = 0; c < s.channels; ++c)
      for (int64_t p = 0; p < s.h.out; ++p)
        for (int64_t q = 0; q < s.w.out; ++q) {
          const AdaptiveWindow window{s.h.begin(p), s.h.end(p), s.w.begin(q), s.w.end(q),
                                      1.0f / static_cast<float>(s.places(p, q))};
          for (int64_t lane = 0; lane < width; lane += lanes)
            f(d, window, ((c * s.h.out + p) * s.w.out + q) * width + lane,
              c * s.h.in * s.w.in * width + lane);
        }
  });
}

void adaptive_avg_pool2d(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0];
  const AdaptiveShape s(x.shape, y.shape);
  const int64_t width = x.batch.width, row = s.w.in;
  for (int64_t k = 0; k < x.batch.slices; ++k) {
    const float* from = x.slice<float>(k);
    float* to = y.slice<float>(k);
    for_adaptive_windows(
        s, width, [&](auto d, const AdaptiveWindow& at, int64_t out, int64_t first) {
          auto even = hn::Zero(d), odd = hn::Zero(d);  // two sums hide half of add's latency
          for (int64_t h = at.h0; h < at.h1; ++h) {
            const float* place = from + first + (h * row + at.w0) * width;
            int64_t w = at.w0;
            for (; w + 2 <= at.w1; w += 2, place += 2 * width) {
              even = hn::Add(even, hn::LoadU(d, place));
              odd = hn::Add(odd, hn::LoadU(d, place + width));
            }
            if (w < at.w1) even = hn::Add(even, hn::LoadU(d, place));
          }
          hn::StoreU(hn::Mul(hn::Add(even, odd), hn::Set(d, at.scale)), d, to + out);
        });
  }
}

void adaptive_avg_pool2d_grad(const Args& args) {
  const Tensor &dy = args.in[0], &dx = args.out[0];
  const AdaptiveShape s(dx.shape, dy.shape);
  const int64_t width = dx.batch.width, row = s.w.in;
  const bool tiles = s.h.in % s.h.out == 0 && s.w.in % s.w.out == 0;
  for (int64_t k = 0; k < dx.batch.slices; ++k) {
    const float* from = dy.slice<float>(k);
    float* to = dx.slice<float>(k);
    if (!tiles) std::fill_n(to, dx.features * width, 0.0f);
    for_adaptive_windows(
        s, width, [&](auto d, const AdaptiveWindow& at, int64_t out, int64_t first) {
          const auto part = hn::Mul(hn::LoadU(d, from + out), hn::Set(d, at.scale));
          for (int64_t h = at.h0; h < at.h1; ++h)
            for (int64_t w = at.w0; w < at.w1; ++w) {
              float* place = to + first + (h * row + w) * width;
              hn::StoreU(tiles ? part : hn::Add(hn::LoadU(d, place), part), d, place);
            }
        });
  }
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(adaptive_avg_pool2d);
HWY_EXPORT(adaptive_avg_pool2d_grad);

void adaptive_avg_pool2d_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(adaptive_avg_pool2d)(args); }
void adaptive_avg_pool2d_grad_cpu(const Args& args) {
  HWY_DYNAMIC_DISPATCH(adaptive_avg_pool2d_grad)(args);
}

}  // namespace cairn
#endif
