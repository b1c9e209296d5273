// batch_norm, batch_norm_inference and batch_norm_grad by cuDNN, for CUDA code.
//
// cuDNN sees all lanes of a batch, so what it makes of a batch with spare examples is of no use. No
// launch may depend on how many are real: our kernels stand by after it, do their work where some
// are spare, and return at once where none is.
#pragma once

#include "core/cuda/context.h"
#include "kernels/batch_norm/batch_norm.h"

namespace cairn {

/// No number of examples.
constexpr int64_t kNeverSkip = -1;

/// Where y and dy are given, they make dz: dz = y <= 0 ? 0 : dy.
struct ReluMask {
  const float *y = nullptr, *dy = nullptr;
};

/// By our kernels, which write nothing where exactly `skip` examples are real.
void batch_norm_own(const Args& args, CudaContext& context, int64_t skip);
void batch_norm_grad_own(const Args& args, CudaContext& context, int64_t skip, ReluMask mask = {});

void batch_norm_cudnn(const Args& args, CudaContext& context);
void batch_norm_inference_cudnn(const Args& args, CudaContext& context);
void batch_norm_grad_cudnn(const Args& args, CudaContext& context);

}  // namespace cairn
