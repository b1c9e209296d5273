#include "core/cuda/context.h"
#include "core/cuda/elements.cuh"
#include "kernels/adam/adam.h"
#include "kernels/sgd/segments.h"

namespace cairn {
namespace {

// One thread four elements: 16 bytes read and 16 written each, and a binary search in the segment
// table.
__global__ void adam_kernel(float* p, float* g, float* m, float* v, const int64_t* begins,
                            const float* multipliers, const StepState* step, double beta1,
                            double beta2, double epsilon, double decay, bool decoupled,
                            int64_t segments, int64_t n) {
  const AdamStep<float> update(beta1, beta2, epsilon, decay, decoupled, *step);
  const auto at = [&](int64_t i, float& pi, float& gi, float& mi, float& vi) {
    const float* multiplier = multipliers + 2 * segment_of(begins, segments, i);
    update(pi, gi, mi, vi, multiplier[0], multiplier[1]);
  };
  update_elements(at, n, p, g, m, v);
}

}  // namespace

void adam_cuda(const Args& args, CudaContext& context) {
  using namespace adam_attr;
  const Attrs& a = *args.attrs;
  const int64_t n = args.in[0].features;
  launch(adam_kernel, {.grid = blocks_for_elements(n), .block = kThreads, .stream = context.stream},
         args.in[0].as<float>(), args.in[1].as<float>(), args.in[2].as<float>(),
         args.in[3].as<float>(), args.in[4].as<int64_t>(), args.in[5].as<float>(), args.step,
         a.real(beta1), a.real(beta2), a.real(eps), a.real(weight_decay), a.flag(decoupled),
         args.in[4].shape[0] - 1, n);
}

}  // namespace cairn
