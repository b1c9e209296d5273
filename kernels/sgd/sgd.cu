#include "core/cuda/context.h"
#include "core/cuda/elements.cuh"
#include "kernels/sgd/segments.h"
#include "kernels/sgd/sgd.h"

namespace cairn {
namespace {

// One thread four elements: 12 bytes read and 12 written each, and a binary search in the segment
// table.
__global__ void sgd_kernel(float* p, float* g, float* m, const int64_t* begins,
                           const float* multipliers, const StepState* step, float momentum,
                           float decay, bool nesterov, int64_t segments, int64_t n) {
  const auto lr = static_cast<float>(step->lr);
  const auto update = [&](int64_t i, float& pi, float& gi, float& mi) {
    const float* multiplier = multipliers + 2 * segment_of(begins, segments, i);
    const float gradient = gi + decay * multiplier[1] * pi;
    mi = momentum * mi + gradient;
    pi -= lr * multiplier[0] * (nesterov ? gradient + momentum * mi : mi);
    gi = 0;
  };
  update_elements(update, n, p, g, m);
}

}  // namespace

void sgd_cuda(const Args& args, CudaContext& context) {
  const int64_t n = args.in[0].features;
  launch(sgd_kernel, {.grid = blocks_for_elements(n), .block = kThreads, .stream = context.stream},
         args.in[0].as<float>(), args.in[1].as<float>(), args.in[2].as<float>(),
         args.in[3].as<int64_t>(), args.in[4].as<float>(), args.step,
         static_cast<float>(args.attrs->real(sgd_attr::momentum)),
         static_cast<float>(args.attrs->real(sgd_attr::weight_decay)),
         args.attrs->flag(sgd_attr::nesterov), args.in[3].shape[0] - 1, n);
}

}  // namespace cairn
