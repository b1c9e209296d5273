#include "core/cuda/context.h"
#include "core/cuda/elements.cuh"
#include "kernels/ema/ema.h"

namespace cairn {
namespace {

// One thread four elements: 8 bytes read and 4 written each.
__global__ void ema_kernel(float* average, const float* p, float keep, float rest, int64_t n) {
  map_elements([&](float a, float v) { return keep * a + rest * v; }, n, average, average, p);
}

}  // namespace

void ema_cuda(const Args& args, CudaContext& context) {
  const int64_t n = args.in[0].features;
  const double decay = args.attrs->real(ema_attr::decay);
  launch(ema_kernel, {.grid = blocks_for_elements(n), .block = kThreads, .stream = context.stream},
         args.in[0].as<float>(), args.in[1].as<float>(), static_cast<float>(decay),
         static_cast<float>(1 - decay), n);
}

}  // namespace cairn
