#include "kernels/bce_with_logits/bce_with_logits.h"
#include "kernels/mse_loss/pointwise_loss.cuh"

namespace cairn {

void bce_with_logits_cuda(const Args& args, CudaContext& context) {
  launch_pointwise_loss<BinaryCrossEntropy>(args, context);
}
void bce_with_logits_grad_cuda(const Args& args, CudaContext& context) {
  launch_pointwise_slope<BinaryCrossEntropy>(args, context);
}
void bce_with_logits_target_grad_cuda(const Args& args, CudaContext& context) {
  launch_pointwise_slope<BinaryCrossEntropyTarget>(args, context);
}

}  // namespace cairn
