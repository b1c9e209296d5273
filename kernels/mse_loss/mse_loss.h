// The squared error of a prediction.
//
//   mse_loss:       loss = (1/n) sum (x - t)^2
//   mse_loss_grad:  dx = 2 (x - t) dloss / n        dt = -dx
//
// Prediction x and target t of one shape; loss a plain scalar, summed over the elements of the
// batch. n counts those of the real examples for reduction=mean, 1 for reduction=sum; spare lanes
// don't count and get zero gradient. Errors: x and t of different types. Source: Gauss 1809,
// "Theoria motus" (least squares).
#pragma once

#include "kernels/mse_loss/pointwise_loss.h"

namespace cairn {

struct SquaredError {
  static constexpr bool uses_target = true;

  template <class Real>
  CAIRN_HD static Real value(Real x, Real t) {
    return (x - t) * (x - t);
  }
  template <class Real>
  CAIRN_HD static Real slope(Real x, Real t) {
    return 2 * (x - t);
  }
};

void mse_loss_cpu(const Args& args);
void mse_loss_grad_cpu(const Args& args);

void mse_loss_cuda(const Args& args, CudaContext& context);
void mse_loss_grad_cuda(const Args& args, CudaContext& context);

template <class Real>
void mse_loss_ref(const Args& args);
template <class Real>
void mse_loss_grad_ref(const Args& args);

}  // namespace cairn
