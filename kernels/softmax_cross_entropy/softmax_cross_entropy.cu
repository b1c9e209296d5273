// On CUDA a batch is one slice: feature k of example n lies at k N + n.
#include <cmath>

#include "core/cuda/block_sum.cuh"
#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/softmax/softmax.h"
#include "kernels/softmax_cross_entropy/softmax_cross_entropy.h"

namespace cairn {
namespace {

/// dL/d(logit) of real examples, from the probability.
struct Gradient {
  TargetProbabilities<float> target;
  float scale;

  __device__ Gradient(const float* dloss, const StepState& step, Reduction reduction,
                      const TargetProbabilities<float>& target)
      : target(target), scale(*dloss * static_cast<float>(loss_scale(reduction, step))) {}

  __device__ float operator()(float p, bool is_label) const {
    return (p - (is_label ? target.label : target.other)) * scale;
  }
};

// One block, so that the sums have one order: a thread takes examples t, t + blockDim, ...
// (coalesced along the batch), then a tree in shared memory. Reads logits three times (four with
// label smoothing) and labels, writes probabilities and, where it is given dloss, dx.
__global__ void softmax_cross_entropy_kernel(const float* x, const int32_t* labels,  // (K,N), (N)
                                             const StepState* step, Reduction reduction,
                                             TargetProbabilities<float> target, const float* dloss,
                                             bool sets, float* loss, float* correct, float* p,
                                             float* dx, int64_t classes, int64_t n) {
  double my_loss = 0;  // of many examples: float32 would lose digits
  float my_hits = 0;
  for (int64_t i = threadIdx.x; i < n; i += kThreads) {
    const SoftmaxColumn<float> y(x + i, classes, n);
    for (int64_t k = 0; k < classes; ++k) p[k * n + i] = y.softmax(x[k * n + i]);
    if (dloss) {
      const Gradient gradient(dloss, *step, reduction, target);
      const bool real = i < step->n_valid;
      for (int64_t k = 0; k < classes; ++k)
        dx[k * n + i] = real ? gradient(p[k * n + i], labels[i] == k) : 0.0f;
    }
    if (i >= step->n_valid) continue;
    const int64_t label = labels[i];
    const bool known = label >= 0 && label < classes;
    my_loss +=
        known ? logf(y.sum) - (target.label - target.other) * (x[label * n + i] - y.max) : NAN;
    if (target.other > 0)
      for (int64_t k = 0; k < classes; ++k) my_loss -= target.other * (x[k * n + i] - y.max);
    my_hits += y.largest == label ? 1.0f : 0.0f;
  }
  my_loss = block_sum(my_loss);
  my_hits = block_sum(my_hits);
  if (threadIdx.x == 0) {
    const auto scaled = static_cast<float>(my_loss * loss_scale(reduction, *step));
    *loss = sets ? scaled : *loss + scaled;
    *correct = sets ? my_hits : *correct + my_hits;
  }
}

// One thread an element (k, n), coalesced along the batch: 8 bytes each, and the labels.
__global__ void softmax_cross_entropy_grad_kernel(const float* p, const int32_t* labels,
                                                  const float* dloss, const StepState* step,
                                                  Reduction reduction,
                                                  TargetProbabilities<float> target, float* dx,
                                                  int64_t classes, int64_t n) {
  const Gradient gradient(dloss, *step, reduction, target);
  for (const int64_t i : grid_stride(classes * n)) {
    const int64_t example = i % n;
    dx[i] = example < step->n_valid ? gradient(p[i], labels[example] == i / n) : 0.0f;
  }
}

}  // namespace

void softmax_cross_entropy_cuda(const Args& args, CudaContext& context) {
  const Tensor &x = args.in[0], &seed = args.in[2];
  const bool both = loss_makes_gradient(x.elements());
  launch(softmax_cross_entropy_kernel, {.grid = 1, .block = kThreads, .stream = context.stream},
         x.as<float>(), args.in[1].as<int32_t>(), args.step, reduction_of(args),
         TargetProbabilities<float>(args, x.features), both ? seed.as<float>() : nullptr, args.sets,
         args.out[0].as<float>(), args.out[1].as<float>(), args.out[2].as<float>(),
         args.out[3].as<float>(), x.features, x.batch.width);
  if (!both)
    make_gradient(args, [&](const Args& of) { softmax_cross_entropy_grad_cuda(of, context); });
}

void softmax_cross_entropy_grad_cuda(const Args& args, CudaContext& context) {
  const Tensor& p = args.in[0];
  launch(softmax_cross_entropy_grad_kernel,
         {.grid = blocks_for(p.elements()), .block = kThreads, .stream = context.stream},
         p.as<float>(), args.in[1].as<int32_t>(), args.in[2].as<float>(), args.step,
         reduction_of(args), TargetProbabilities<float>(args, p.features), args.out[0].as<float>(),
         p.features, p.batch.width);
}

}  // namespace cairn
