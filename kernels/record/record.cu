#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/record/record.h"

namespace cairn {
namespace {

// One thread; moves two floats.
__global__ void record_kernel(const StepState* step, const float* loss, const float* correct,
                              const float* share, const float* later, float* ring, int64_t rows) {
  float* row = ring + step->step % rows * 2;
  const float part = share ? *share : 1.0f;
  const bool adds = later && *later != 0;
  row[0] = (adds ? row[0] : 0.0f) + part * *loss;
  row[1] = (adds ? row[1] : 0.0f) + part * (*correct * static_cast<float>(step->inverse_count()));
}

}  // namespace

void record_cuda(const Args& args, CudaContext& context) {
  launch(record_kernel, {.grid = 1, .block = 1, .stream = context.stream}, args.step,
         args.in[0].as<float>(), args.in[1].as<float>(), args.in[3].as<float>(),
         args.in[4].as<float>(), args.in[2].as<float>(), args.in[2].shape[0]);
}

}  // namespace cairn
