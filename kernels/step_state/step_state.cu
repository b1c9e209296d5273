#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/step_state/step_state.h"

namespace cairn {
namespace {

// One thread; reads and writes one StepState.
__global__ void next_batch_kernel(StepState* state, int64_t count, int64_t batch) {
  *state = advance_batch(*state, count, batch);
}

// One thread; reads and writes one StepState.
__global__ void next_step_kernel(StepState* state, Schedule schedule, double lr, int64_t warmup,
                                 int64_t horizon) {
  ++state->step;
  state->lr = scheduled_lr(schedule, lr, warmup, horizon, state->step);
}

}  // namespace

void next_batch_cuda(const Args& args, CudaContext& context) {
  launch(next_batch_kernel, {.grid = 1, .block = 1, .stream = context.stream}, args.step,
         args.attrs->integer(next_batch_attr::count), args.attrs->integer(next_batch_attr::batch));
}

void next_step_cuda(const Args& args, CudaContext& context) {
  const Attrs& a = *args.attrs;
  launch(next_step_kernel, {.grid = 1, .block = 1, .stream = context.stream}, args.step,
         static_cast<Schedule>(a.integer(next_step_attr::schedule)), a.real(next_step_attr::lr),
         a.integer(next_step_attr::warmup), a.integer(next_step_attr::horizon));
}

}  // namespace cairn
