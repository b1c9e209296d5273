// Loops of kernels that treat all elements of their arrays alike, four neighbours a thread where 16
// divides the arrays' addresses, so that each access moves 16 bytes:
//
//   for_elements([&](const auto at) { at.store(y, each(f, at.load(x))); }, n, are_aligned(x, y));
#pragma once

#include "core/cuda/arch/four_floats.h"
#include "core/cuda/launch.h"

namespace cairn {

template <int N>
struct Floats {
  float of[N];
};

/// N elements of any array, from one on: 4 of them are 16 aligned bytes.
template <int N>
struct Elements {
  static constexpr int kCount = N;
  int64_t first;

  __device__ Floats<N> load(const float* x) const {
    if constexpr (N == 4) {
      const float4 four = load_four(x + first);
      return {{four.x, four.y, four.z, four.w}};
    } else {
      return {{x[first]}};
    }
  }
  __device__ void store(float* y, const Floats<N>& v) const {
    if constexpr (N == 4)
      store_four(y + first, {v.of[0], v.of[1], v.of[2], v.of[3]});
    else
      y[first] = v.of[0];
  }
};

using FourElements = Elements<4>;
using OneElement = Elements<1>;

/// f of each of the elements.
template <class F, int N, class... More>
__device__ Floats<N> each(const F& f, Floats<N> some, const More&... more) {
  CAIRN_UNROLL
  for (int k = 0; k < N; ++k) some.of[k] = f(some.of[k], more.of[k]...);
  return some;
}

template <class... Arrays>
__device__ bool are_aligned(const Arrays*... arrays) {
  return ((reinterpret_cast<uintptr_t>(arrays) % 16 == 0) && ...);
}

/// The thread's share of n elements: body(Elements). `aligned`: all arrays that the body accesses.
template <class Body>
__device__ void for_elements(const Body& body, int64_t n, bool aligned) {
  const int64_t fours = aligned ? n / 4 : 0;
  for (const int64_t i : grid_stride(fours)) body(FourElements{4 * i});
  for (const int64_t i : grid_stride(n - 4 * fours)) body(OneElement{4 * fours + i});
}

/// y[i] = f(x[i]...); y may be one of them.
template <class F, class... In>
__device__ void map_elements(const F& f, int64_t n, float* y, const In*... x) {
  for_elements([&](const auto at) { at.store(y, each(f, at.load(x)...)); }, n,
               are_aligned(y, x...));
}

/// f(i, x[i]...) for each of n elements, which it changes in place.
template <class F, class... InOut>
__device__ void update_elements(const F& f, int64_t n, InOut*... x) {
  const auto update = [&](const auto at, auto... v) {
    CAIRN_UNROLL
    for (int k = 0; k < at.kCount; ++k) f(at.first + k, v.of[k]...);
    (at.store(x, v), ...);
  };
  for_elements([&](const auto at) { update(at, at.load(x)...); }, n, are_aligned(x...));
}

/// Blocks for loops over n elements by the functions above.
inline dim3 blocks_for_elements(int64_t n) { return blocks_for((n + 3) / 4); }

}  // namespace cairn
