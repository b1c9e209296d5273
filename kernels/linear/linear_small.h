// The layer on CUDA where its products are small (linear_is_small): each in one launch, in float32.
#pragma once

#include "core/op.h"

namespace cairn {

void linear_small(const Args& args, CudaContext& context);
void linear_dx_small(const Args& args, CudaContext& context);
void linear_dw_small(const Args& args, CudaContext& context);

}  // namespace cairn
