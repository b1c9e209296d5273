// CUDA's built-in variables. The runtime sets them whenever it goes on with a thread.
#pragma once

#include <vector_types.h>

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
constexpr int warpSize = 32;
