// conv2d, conv2d_dx and conv2d_dw by cuDNN, for CUDA code.
#pragma once

#include "core/cuda/cudnn.h"
#include "kernels/conv2d/conv2d.h"

namespace cairn {

/// The convolution of n examples as cuDNN knows it.
ConvProblem conv2d_problem(const ConvShape& s, int64_t n);

void conv2d_cudnn(const Args& args, CudaContext& context);
void conv2d_dx_cudnn(const Args& args, CudaContext& context);
void conv2d_dw_cudnn(const Args& args, CudaContext& context);

}  // namespace cairn
