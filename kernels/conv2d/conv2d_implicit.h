// The convolution on CUDA as a product whose columns are gathered on the way: no column matrix.
#pragma once

#include "kernels/conv2d/conv2d.h"

namespace cairn {

void conv2d_implicit(const Args& args, CudaContext& context);
void conv2d_dx_implicit(const Args& args, CudaContext& context);
void conv2d_dw_implicit(const Args& args, CudaContext& context);

}  // namespace cairn
