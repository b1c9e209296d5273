#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/adam/adam.h"
#include "kernels/sgd/segments.h"

namespace cairn {
namespace {

// One thread an element: 16 bytes read and 16 written, and a binary search in the segment table.
__global__ void adam_kernel(float* p, float* g, float* m, float* v, const int64_t* begins,
                            const float* multipliers, const StepState* step, double beta1,
                            double beta2, double epsilon, double decay, bool decoupled,
                            int64_t segments, int64_t n) {
  const AdamStep<float> update(beta1, beta2, epsilon, decay, decoupled, *step);
  for (const int64_t i : grid_stride(n)) {
    const float* multiplier = multipliers + 2 * segment_of(begins, segments, i);
    update(p[i], g[i], m[i], v[i], multiplier[0], multiplier[1]);
  }
}

}  // namespace

void adam_cuda(const Args& args, CudaContext& context) {
  using namespace adam_attr;
  const Attrs& a = *args.attrs;
  const int64_t n = args.in[0].features;
  launch(adam_kernel, {.grid = blocks_for(n), .block = kThreads, .stream = context.stream},
         args.in[0].as<float>(), args.in[1].as<float>(), args.in[2].as<float>(),
         args.in[3].as<float>(), args.in[4].as<int64_t>(), args.in[5].as<float>(), args.step,
         a.real(beta1), a.real(beta2), a.real(eps), a.real(weight_decay), a.flag(decoupled),
         args.in[4].shape[0] - 1, n);
}

}  // namespace cairn
