// Elementwise functions of broadcast inputs on CUDA, where the batch is one slice.
#pragma once

#include "core/cuda/context.h"
#include "core/cuda/launch.h"
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

/// out = f(in...), element by element; f takes an array of as many floats.
template <class F, class... In>
void launch_broadcast(CudaContext& context, F f, const Tensor& out, const In&... in) {
  constexpr int N = sizeof...(In);
  const int64_t n = out.elements();
  launch(broadcast_kernel<F, N>,
         Grid{.grid = blocks_for(n), .block = kThreads, .stream = context.stream}, f,
         broadcast_walk<N>(out.shape, {in.shape...}, out.batch.width),
         Inputs<N>{{in.template as<float>()...}}, out.as<float>(), n);
}

}  // namespace cairn
