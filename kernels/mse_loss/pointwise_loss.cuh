// Losses that compare two tensors element by element, and their slopes, on CUDA: the batch is one
// slice, so feature f of example n lies at f N + n.
#pragma once

#include "core/cuda/block_sum.cuh"
#include "core/cuda/context.h"
#include "core/cuda/elements.cuh"
#include "kernels/mse_loss/pointwise_loss.h"

namespace cairn {

// A block sums its share of the elements, coalesced: reads 8 bytes an element.
template <class Loss>
__global__ void pointwise_loss_kernel(const float* x, const float* target, const StepState* step,
                                      float* partials, int64_t n, int64_t batch) {
  float sum = 0;
  for (const int64_t i : grid_stride(n))
    if (i % batch < step->n_valid) sum += Loss::value(x[i], target[i]);
  sum = block_sum(sum);
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

// One block adds the blocks' sums, so that they have one order: reads 4 bytes each.
template <class Loss>
__global__ void finish_loss_kernel(const float* partials, int64_t count, const StepState* step,
                                   Reduction reduction, int64_t features, bool sets, float* loss) {
  float sum = 0;
  for (int64_t i = threadIdx.x; i < count; i += kThreads) sum += partials[i];
  sum = block_sum(sum);
  if (threadIdx.x != 0) return;
  sum *= static_cast<float>(element_scale(reduction, *step, features));
  *loss = sets ? sum : *loss + sum;
}

// One thread four elements: 8 bytes read and 4 written each.
template <class Slope>
__global__ void pointwise_slope_kernel(const float* x, const float* target, const float* dloss,
                                       const StepState* step, Reduction reduction, float* dx,
                                       int64_t features, int64_t n, int64_t batch) {
  const float scale = *dloss * static_cast<float>(element_scale(reduction, *step, features));
  const int64_t valid = step->n_valid;
  const auto body = [&](const auto at) {
    auto v = at.load(x);
    const auto t = at.load(target);
    CAIRN_UNROLL
    for (int k = 0; k < at.kCount; ++k)
      v.of[k] = (at.first + k) % batch < valid ? Slope::slope(v.of[k], t.of[k]) * scale : 0.0f;
    at.store(dx, v);
  };
  for_elements(body, n, are_aligned(x, target, dx));
}

/// The op's workspace holds one float a block.
template <class Loss>
void launch_pointwise_loss(const Args& args, CudaContext& context) {
  const Tensor& x = args.in[0];
  const int64_t blocks = loss_blocks(x.elements());
  auto* const partials = static_cast<float*>(args.workspace);
  launch(pointwise_loss_kernel<Loss>,
         Grid{.grid = static_cast<unsigned>(blocks), .block = kThreads, .stream = context.stream},
         x.as<float>(), args.in[1].as<float>(), args.step, partials, x.elements(), x.batch.width);
  launch(finish_loss_kernel<Loss>, Grid{.grid = 1, .block = kThreads, .stream = context.stream},
         partials, blocks, args.step, reduction_of(args), x.features, args.sets,
         args.out[0].as<float>());
}

template <class Slope>
void launch_pointwise_slope(const Args& args, CudaContext& context) {
  const Tensor& x = args.in[0];
  launch(
      pointwise_slope_kernel<Slope>,
      Grid{.grid = blocks_for_elements(x.elements()), .block = kThreads, .stream = context.stream},
      x.as<float>(), args.in[Slope::uses_target ? 1 : 0].template as<float>(),
      args.in[Slope::uses_target ? 2 : 1].template as<float>(), args.step, reduction_of(args),
      args.out[0].as<float>(), x.features, x.elements(), x.batch.width);
}

}  // namespace cairn
