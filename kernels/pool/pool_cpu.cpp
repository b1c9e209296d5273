// Lanes are examples. Forward, a window is read and one output written; backward, dx is cleared and
// each window adds to its places, which lie in cache.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pool/pool_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include <algorithm>

#include "kernels/linear/product-inl.h"
#include "kernels/pool/pool.h"
#include "kernels/unary/onward-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

template <class D>
using Index = hn::Rebind<int32_t, D>;

/// A window, clipped to its plane: its places are h0, h0 + dilation, ... below h1, and so on.
struct Window {
  int64_t p, q, h0, h1, w0, w1;
};

/// Calls f(d, window, out, first) for every window and vector of examples of a slice: elements of y
/// and of the channel's first input.
template <class F>
void for_windows(const PoolShape& s, int64_t width, F f) {
  with_lanes(width, [&](auto d) {
    const auto lanes = static_cast<int64_t>(hn::Lanes(d));
    for (int64_t c = 0; c < s.channels; ++c)
      for (int64_t p = 0; p < s.h.out; ++p) {
        const int64_t h0 = s.h.begin(p), h1 = s.h.end(p);
        for (int64_t q = 0; q < s.w.out; ++q) {
          const Window window{p, q, h0, h1, s.w.begin(q), s.w.end(q)};
          for (int64_t lane = 0; lane < width; lane += lanes)
            f(d, window, ((c * s.h.out + p) * s.w.out + q) * width + lane,
              c * s.h.in * s.w.in * width + lane);
        }
      }
  });
}

/// Calls f(scale), where scale(window) is 1 / divisor: a constant where all windows have the same.
template <class F>
void with_scale(const AvgPoolShape& s, F f) {
  const float same = 1.0f / static_cast<float>(s.divisor(0, 0));
  if (s.uniform())
    f([same](const Window&) { return same; });
  else
    f([&s](const Window& at) { return 1.0f / static_cast<float>(s.divisor(at.p, at.q)); });
}

void avg_pool2d(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0];
  const AvgPoolShape s(x.shape, y.shape, *args.attrs);
  const int64_t width = x.batch.width, row = s.w.in;
  with_scale(s, [&](auto scale) {
    for (int64_t k = 0; k < x.batch.slices; ++k) {
      const float* from = x.slice<float>(k);
      float* to = y.slice<float>(k);
      for_windows(s, width, [&](auto d, const Window& at, int64_t out, int64_t first) {
        auto sum = hn::Zero(d);
        for (int64_t h = at.h0; h < at.h1; ++h)
          for (int64_t w = at.w0; w < at.w1; ++w)
            sum = hn::Add(sum, hn::LoadU(d, from + first + (h * row + w) * width));
        hn::StoreU(hn::Mul(sum, hn::Set(d, scale(at))), d, to + out);
      });
    }
  });
}

void max_pool2d(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0], &indices = args.out[1];
  const MaxPoolShape s(x.shape, y.shape, *args.attrs);
  const int64_t width = x.batch.width, row = s.w.in;
  for (int64_t k = 0; k < x.batch.slices; ++k) {
    const float* from = x.slice<float>(k);
    float* to = y.slice<float>(k);
    int32_t* index = indices.slice<int32_t>(k);
    for_windows(s, width, [&](auto d, const Window& at, int64_t out, int64_t first) {
      const Index<decltype(d)> di;
      auto best = hn::LoadU(d, from + first + (at.h0 * row + at.w0) * width);
      auto place = hn::Set(di, static_cast<int32_t>(at.h0 * row + at.w0));
      for (int64_t h = at.h0; h < at.h1; h += s.h.dilation)
        for (int64_t w = at.w0; w < at.w1; w += s.w.dilation) {
          const auto value = hn::LoadU(d, from + first + (h * row + w) * width);
          const auto wins = hn::Or(hn::Gt(value, best), hn::IsNaN(value));
          best = hn::IfThenElse(wins, value, best);
          place = hn::IfThenElse(hn::RebindMask(di, wins),
                                 hn::Set(di, static_cast<int32_t>(h * row + w)), place);
        }
      hn::StoreU(best, d, to + out);
      hn::StoreU(place, di, index + out);
    });
  }
}

/// The gradient of a pool: part_of(d, k, window, out) gives a function of (h, w) whose value a
/// window adds to dx there. Where no windows overlap it is stored at once.
template <class Pool, class PartOf>
HWY_INLINE void pool_gradient(const Pool& s, const Tensor& dx, const Onward& onward,
                              PartOf part_of) {
  const int64_t width = dx.batch.width, row = s.w.in;
  const bool tiles = s.h.tiles() && s.w.tiles();
  for (int64_t k = 0; k < dx.batch.slices; ++k) {
    float* to = dx.slice<float>(k);
    if (!tiles) std::fill_n(to, dx.features * width, 0.0f);
    for_windows(s, width, [&](auto d, const Window& at, int64_t out, int64_t first) HWY_ATTR {
      const auto part = part_of(d, k, at, out);
      for (int64_t h = at.h0; h < at.h1; h += s.h.dilation)
        for (int64_t w = at.w0; w < at.w1; w += s.w.dilation) {
          const int64_t place = first + (h * row + w) * width;
          if (tiles)
            onward.store(d, hn::Add(hn::Zero(d), part(h, w)), k, place, to);  // 0 + -0 is 0
          else
            hn::StoreU(hn::Add(hn::LoadU(d, to + place), part(h, w)), d, to + place);
        }
    });
    if (!tiles) onward.finish(k, 0, dx.features * width, to);
  }
}

void avg_pool2d_grad(const Args& args) {
  const Tensor &dy = args.in[0], &dx = args.out[0];
  const AvgPoolShape s(dx.shape, dy.shape, *args.attrs);
  const Onward onward(args, pool_attr::avg_activation, args.in[1]);
  with_scale(s, [&](auto scale) {
    pool_gradient(s, dx, onward, [&](auto d, int64_t k, const Window& at, int64_t out) HWY_ATTR {
      const auto part = hn::Mul(hn::LoadU(d, dy.slice<float>(k) + out), hn::Set(d, scale(at)));
      return [part](int64_t, int64_t) HWY_ATTR { return part; };
    });
  });
}

void max_pool2d_grad(const Args& args) {
  const Tensor &dy = args.in[0], &indices = args.in[1], &dx = args.out[0];
  const MaxPoolShape s(dx.shape, dy.shape, *args.attrs);
  const Onward onward(args, pool_attr::max_activation, args.in[2]);
  pool_gradient(s, dx, onward, [&](auto d, int64_t k, const Window&, int64_t out) HWY_ATTR {
    const Index<decltype(d)> di;
    const auto gradient = hn::LoadU(d, dy.slice<float>(k) + out);
    const auto winner = hn::LoadU(di, indices.slice<int32_t>(k) + out);
    return [=, &s](int64_t h, int64_t w) HWY_ATTR {
      const auto here = hn::Eq(winner, hn::Set(di, static_cast<int32_t>(h * s.w.in + w)));
      return hn::IfThenElseZero(hn::RebindMask(d, here), gradient);
    };
  });
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(avg_pool2d);
HWY_EXPORT(max_pool2d);
HWY_EXPORT(avg_pool2d_grad);
HWY_EXPORT(max_pool2d_grad);

void avg_pool2d_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(avg_pool2d)(args); }
void max_pool2d_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(max_pool2d)(args); }
void avg_pool2d_grad_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(avg_pool2d_grad)(args); }
void max_pool2d_grad_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(max_pool2d_grad)(args); }

}  // namespace cairn
#endif
