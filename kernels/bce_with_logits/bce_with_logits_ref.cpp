#include "kernels/bce_with_logits/bce_with_logits.h"

namespace cairn {

template <class Real>
void bce_with_logits_ref(const Args& args) {
  pointwise_loss_ref<BinaryCrossEntropy, Real>(args);
}
template <class Real>
void bce_with_logits_grad_ref(const Args& args) {
  pointwise_slope_ref<BinaryCrossEntropy, Real>(args);
}
template <class Real>
void bce_with_logits_target_grad_ref(const Args& args) {
  pointwise_slope_ref<BinaryCrossEntropyTarget, Real>(args);
}

template void bce_with_logits_ref<float>(const Args&);
template void bce_with_logits_ref<double>(const Args&);
template void bce_with_logits_grad_ref<float>(const Args&);
template void bce_with_logits_grad_ref<double>(const Args&);
template void bce_with_logits_target_grad_ref<float>(const Args&);
template void bce_with_logits_target_grad_ref<double>(const Args&);

}  // namespace cairn
