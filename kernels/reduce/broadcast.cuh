// Elementwise functions of broadcast inputs on CUDA, where the batch is one slice.
#pragma once

#include "core/cuda/context.h"
#include "core/cuda/elements.cuh"
#include "core/tensor.h"
#include "kernels/reduce/walk.h"

namespace cairn {

template <int N>
struct Inputs {
  const float* data[N];
};

// One thread an element: reads 4 bytes an input, from the cache where it is broadcast, writes 4.
template <class F, int N>
__global__ void broadcast_kernel(F f, Walk<N> walk, Inputs<N> in, float* y, int64_t n) {
  for (const int64_t i : grid_stride(n)) {
    int64_t at[N];
    walk.locate(i, at);
    float v[N];
    for (int k = 0; k < N; ++k) v[k] = in.data[k][at[k]];
    y[i] = f(v);
  }
}

// One thread four elements, where all inputs lie as y does: 4 bytes read an input and 4 written
// each.
template <class F, int N>
__global__ void dense_kernel(F f, Inputs<N> in, float* y, int64_t n) {
  bool aligned = are_aligned(y);
  for (int k = 0; k < N; ++k) aligned = aligned && are_aligned(in.data[k]);
  const auto body = [&](const auto at) {
    Floats<at.kCount> x[N], out;
    for (int k = 0; k < N; ++k) x[k] = at.load(in.data[k]);
    CAIRN_UNROLL
    for (int e = 0; e < at.kCount; ++e) {
      float v[N];
      for (int k = 0; k < N; ++k) v[k] = x[k].of[e];
      out.of[e] = f(v);
    }
    at.store(y, out);
  };
  for_elements(body, n, aligned);
}

/// out = f(in...), element by element; f takes an array of as many floats.
template <class F, class... In>
void launch_broadcast(CudaContext& context, F f, const Tensor& out, const In&... in) {
  constexpr int N = sizeof...(In);
  const int64_t n = out.elements();
  const Inputs<N> inputs{{in.template as<float>()...}};
  if (((in.elements() == n) && ...))
    launch(dense_kernel<F, N>,
           Grid{.grid = blocks_for_elements(n), .block = kThreads, .stream = context.stream}, f,
           inputs, out.as<float>(), n);
  else
    launch(broadcast_kernel<F, N>,
           Grid{.grid = blocks_for(n), .block = kThreads, .stream = context.stream}, f,
           broadcast_walk<N>(out.shape, {in.shape...}, out.batch.width), inputs, out.as<float>(),
           n);
}

}  // namespace cairn
