#include "core/cuda/context.h"
#include "core/cuda/elements.cuh"
#include "kernels/rmsprop/rmsprop.h"
#include "kernels/sgd/segments.h"

namespace cairn {
namespace {

// One thread four elements: 16 bytes read and 16 written each, and a binary search in the segment
// table.
__global__ void rmsprop_kernel(float* p, float* g, float* v, float* m, const int64_t* begins,
                               const float* multipliers, const StepState* step,
                               RmspropStep<float> update, int64_t segments, int64_t n) {
  const auto lr = static_cast<float>(step->lr);
  const auto at = [&](int64_t i, float& pi, float& gi, float& vi, float& mi) {
    const float* multiplier = multipliers + 2 * segment_of(begins, segments, i);
    update(pi, gi, vi, mi, lr * multiplier[0], multiplier[1]);
  };
  update_elements(at, n, p, g, v, m);
}

}  // namespace

void rmsprop_cuda(const Args& args, CudaContext& context) {
  const int64_t n = args.in[0].features;
  launch(rmsprop_kernel,
         {.grid = blocks_for_elements(n), .block = kThreads, .stream = context.stream},
         args.in[0].as<float>(), args.in[1].as<float>(), args.in[2].as<float>(),
         args.in[3].as<float>(), args.in[4].as<int64_t>(), args.in[5].as<float>(), args.step,
         RmspropStep<float>(*args.attrs), args.in[4].shape[0] - 1, n);
}

}  // namespace cairn
