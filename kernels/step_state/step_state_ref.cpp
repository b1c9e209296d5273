#include "kernels/step_state/step_state.h"

namespace cairn {

void next_batch_ref(const Args& args) {
  *args.step = advance_batch(*args.step, args.attrs->integer(next_batch_attr::count),
                             args.attrs->integer(next_batch_attr::batch));
}

void next_step_ref(const Args& args) {
  const Attrs& a = *args.attrs;
  const auto schedule = static_cast<Schedule>(a.integer(next_step_attr::schedule));
  StepState& state = *args.step;
  ++state.step;
  state.lr = scheduled_lr(schedule, a.real(next_step_attr::lr), a.integer(next_step_attr::warmup),
                          a.integer(next_step_attr::horizon), state.step);
}

}  // namespace cairn
