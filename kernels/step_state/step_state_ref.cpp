#include "kernels/step_state/step_state.h"

namespace cairn {

void next_batch_ref(const Args& args) {
  *args.step = advance_batch(*args.step, args.attrs->integer(next_batch_attr::count),
                             args.attrs->integer(next_batch_attr::batch));
}

template <class Real>
void batch_share_ref(const Args& args) {
  using namespace next_batch_attr;
  const Attrs& a = *args.attrs;
  const BatchShare of =
      batch_share(*args.step, a.integer(count), a.integer(batch), a.integer(accumulate));
  args.out[0].as<Real>()[0] = static_cast<Real>(of.share);
  args.out[1].as<Real>()[0] = of.later;
}
template void batch_share_ref<float>(const Args&);
template void batch_share_ref<double>(const Args&);

void next_step_ref(const Args& args) {
  StepState& state = *args.step;
  ++state.step;
  state.lr = scheduled_lr(learning_rate_of(*args.attrs), state.step);
}

}  // namespace cairn
