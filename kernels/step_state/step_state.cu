#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/step_state/step_state.h"

namespace cairn {
namespace {

// One thread; reads and writes one StepState.
__global__ void next_batch_kernel(StepState* state, int64_t count, int64_t batch) {
  *state = advance_batch(*state, count, batch);
}

// One thread; reads one StepState, writes two floats.
__global__ void batch_share_kernel(const StepState* state, int64_t count, int64_t batch,
                                   int64_t accumulate, float* share, float* later) {
  const BatchShare of = batch_share(*state, count, batch, accumulate);
  *share = static_cast<float>(of.share);
  *later = of.later ? 1.0f : 0.0f;
}

// One thread; reads and writes one StepState.
__global__ void next_step_kernel(StepState* state, const __grid_constant__ LearningRate rate) {
  ++state->step;
  state->lr = scheduled_lr(rate, state->step);
}

}  // namespace

void next_batch_cuda(const Args& args, CudaContext& context) {
  launch(next_batch_kernel, {.grid = 1, .block = 1, .stream = context.stream}, args.step,
         args.attrs->integer(next_batch_attr::count), args.attrs->integer(next_batch_attr::batch));
}

void batch_share_cuda(const Args& args, CudaContext& context) {
  using namespace next_batch_attr;
  launch(batch_share_kernel, {.grid = 1, .block = 1, .stream = context.stream}, args.step,
         args.attrs->integer(count), args.attrs->integer(batch), args.attrs->integer(accumulate),
         args.out[0].as<float>(), args.out[1].as<float>());
}

void next_step_cuda(const Args& args, CudaContext& context) {
  launch(next_step_kernel, {.grid = 1, .block = 1, .stream = context.stream}, args.step,
         learning_rate_of(*args.attrs));
}

}  // namespace cairn
