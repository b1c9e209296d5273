#include "kernels/mse_loss/mse_loss.h"

namespace cairn {

template <class Real>
void mse_loss_ref(const Args& args) {
  pointwise_loss_ref<SquaredError, Real>(args);
}
template <class Real>
void mse_loss_grad_ref(const Args& args) {
  pointwise_slope_ref<SquaredError, Real>(args);
}

template void mse_loss_ref<float>(const Args&);
template void mse_loss_ref<double>(const Args&);
template void mse_loss_grad_ref<float>(const Args&);
template void mse_loss_grad_ref<double>(const Args&);

}  // namespace cairn
