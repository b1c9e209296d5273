#include "kernels/step_state/step_state.h"

namespace cairn {

void next_batch_ref(const Args& args) {
  *args.step = advance_batch(*args.step, args.attrs->integer(next_batch_attr::count),
                             args.attrs->integer(next_batch_attr::batch));
}

void next_step_ref(const Args& args) {
  StepState& state = *args.step;
  ++state.step;
  state.lr = scheduled_lr(learning_rate_of(*args.attrs), state.step);
}

}  // namespace cairn
