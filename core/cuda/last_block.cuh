// The grid's last block goes on with what all blocks made: sums that were shared out are added up
// without a launch of their own.
#pragma once

#include "core/cuda/launch.h"

namespace cairn {

/// Whether the block is the last of the grid to get here; then its threads see what the others
/// wrote before. All threads of all blocks must call it, once. `blocks_done` is the context's: the
/// last block leaves zero there, and kernels of one stream follow one another.
__device__ inline bool is_last_block(unsigned* blocks_done) {
  CAIRN_SHARED(bool, is_last, 1);
  __syncthreads();
  if (threadIdx.x == 0 && threadIdx.y == 0) {
    const unsigned last = gridDim.x * gridDim.y - 1;
    __threadfence();
    is_last[0] = atomicInc(blocks_done, last) == last;
    __threadfence();
  }
  __syncthreads();
  return is_last[0];
}

}  // namespace cairn
