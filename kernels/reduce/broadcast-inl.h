// Loops of elementwise ops whose inputs are broadcast, for every SIMD target.
#if defined(KERNELS_REDUCE_BROADCAST_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KERNELS_REDUCE_BROADCAST_INL_H_
#undef KERNELS_REDUCE_BROADCAST_INL_H_
#else
#define KERNELS_REDUCE_BROADCAST_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <utility>

#include "kernels/reduce/walk.h"
#include "kernels/unary/elementwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// out[i] = f(d, in[k][i]...) for i in [0, n); an input of stride 0 has one number for all.
template <class F, int N, size_t... K>
HWY_INLINE void map_strided(int64_t n, F f, float* out, const float* const (&in)[N],
                            const int64_t (&stride)[N], std::index_sequence<K...>) {
  for_lanes(n, [&](auto d, int64_t i) HWY_ATTR {
    hn::StoreU(f(d, (stride[K] ? hn::LoadU(d, in[K] + i) : hn::Set(d, *in[K]))...), d, out + i);
  });
}

/// map_tensors for inputs that broadcasting takes to the shape of `out`.
template <class F, class... In>
HWY_INLINE void map_broadcast(const Args& args, F f, const Tensor& out, const In&... in) {
  if ((... && (in.shape == out.shape))) return map_tensors(args, f, out, in...);
  constexpr int N = sizeof...(In);
  constexpr int64_t kRun = 16384;  // elements: 64 KiB
  Walk<N> outer = broadcast_walk<N>(out.shape, {in.shape...}, out.batch.width);
  const Axis<N> run = outer.pop(), rows = outer.pop();
  if (out.features == 0 || run.size == 0) return;
  const int64_t outers = outer.count(), pieces = (run.size + kRun - 1) / kRun;
  const int64_t block = std::max<int64_t>(1, kRun / run.size);  // rows of a task
  const int64_t blocks = (rows.size + block - 1) / block;
  const int64_t grain = std::max<int64_t>(1, kRun / (run.size * rows.size));
  const auto task = [&](int64_t i) HWY_ATTR {
    const int64_t piece = i % pieces * kRun, first = i / pieces % blocks * block;
    const int64_t o = i / pieces / blocks % outers, s = i / pieces / blocks / outers;
    const float* from[N] = {in.template slice<float>(s)...};
    int64_t at[N];
    outer.locate(o, at);
    for (int k = 0; k < N; ++k) from[k] += at[k] + first * rows.stride[k] + piece * run.stride[k];
    float* to = out.slice<float>(s) + (o * rows.size + first) * run.size + piece;
    for (int64_t r = first; r < std::min(first + block, rows.size); ++r, to += run.size) {
      map_strided(std::min(kRun, run.size - piece), f, to, from, run.stride,
                  std::make_index_sequence<size_t{N}>());
      for (int k = 0; k < N; ++k) from[k] += rows.stride[k];
    }
  };
  for_ranges(args, out.batch.slices * outers * blocks * pieces, grain,
             [&](int64_t begin, int64_t end) HWY_ATTR {
               for (int64_t i = begin; i < end; ++i) task(i);
             });
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
