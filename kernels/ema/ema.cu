#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/ema/ema.h"

namespace cairn {
namespace {

// One thread an element: 8 bytes read and 4 written.
__global__ void ema_kernel(float* average, const float* p, float keep, float rest, int64_t n) {
  for (const int64_t i : grid_stride(n)) average[i] = keep * average[i] + rest * p[i];
}

}  // namespace

void ema_cuda(const Args& args, CudaContext& context) {
  const int64_t n = args.in[0].features;
  const double decay = args.attrs->real(ema_attr::decay);
  launch(ema_kernel, {.grid = blocks_for(n), .block = kThreads, .stream = context.stream},
         args.in[0].as<float>(), args.in[1].as<float>(), static_cast<float>(decay),
         static_cast<float>(1 - decay), n);
}

}  // namespace cairn
