#include "kernels/mse_loss/mse_loss.h"
#include "kernels/mse_loss/pointwise_loss.cuh"

namespace cairn {

void mse_loss_cuda(const Args& args, CudaContext& context) {
  launch_pointwise_loss<SquaredError>(args, context);
}
void mse_loss_grad_cuda(const Args& args, CudaContext& context) {
  launch_pointwise_slope<SquaredError>(args, context);
}

}  // namespace cairn
