#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/sgd/segments.h"
#include "kernels/sgd/sgd.h"

namespace cairn {
namespace {

// One thread an element: 12 bytes read and 12 written, and a binary search in the segment table.
__global__ void sgd_kernel(float* p, float* g, float* m, const int64_t* begins,
                           const float* multipliers, const StepState* step, float momentum,
                           float decay, bool nesterov, int64_t segments, int64_t n) {
  const auto lr = static_cast<float>(step->lr);
  for (const int64_t i : grid_stride(n)) {
    const float* multiplier = multipliers + 2 * segment_of(begins, segments, i);
    const float gradient = g[i] + decay * multiplier[1] * p[i];
    m[i] = momentum * m[i] + gradient;
    p[i] -= lr * multiplier[0] * (nesterov ? gradient + momentum * m[i] : m[i]);
    g[i] = 0;
  }
}

}  // namespace

void sgd_cuda(const Args& args, CudaContext& context) {
  const int64_t n = args.in[0].features;
  launch(sgd_kernel, {.grid = blocks_for(n), .block = kThreads, .stream = context.stream},
         args.in[0].as<float>(), args.in[1].as<float>(), args.in[2].as<float>(),
         args.in[3].as<int64_t>(), args.in[4].as<float>(), args.step,
         static_cast<float>(args.attrs->real(sgd_attr::momentum)),
         static_cast<float>(args.attrs->real(sgd_attr::weight_decay)),
         args.attrs->flag(sgd_attr::nesterov), args.in[3].shape[0] - 1, n);
}

}  // namespace cairn
