// On CUDA a batch is one slice, so that N examples are the innermost axis.
#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/pad/pad.h"

namespace cairn {
namespace {

// One thread an element of y, coalesced: at most 4 bytes read, 4 written.
__global__ void pad_kernel(const float* x, float* y, PadShape p, float value, int64_t width,
                           int64_t n) {
  for (const int64_t i : grid_stride(n)) {
    const int64_t column = i / width % p.row_y - p.row_before;
    const int64_t row = p.row_of(i / width / p.row_y);
    const bool inside = row >= 0 && column >= 0 && column < p.row_x;
    y[i] = inside ? x[(row * p.row_x + column) * width + i % width] : value;
  }
}

}  // namespace

void pad_cuda(const Args& args, CudaContext& context) {
  const Tensor &x = args.in[0], &y = args.out[0];
  launch(pad_kernel,
         {.grid = blocks_for(y.elements()), .block = kThreads, .stream = context.stream},
         x.as<float>(), y.as<float>(), PadShape(x.shape, y.shape, *args.attrs),
         static_cast<float>(args.attrs->real(pad_attr::value)), x.batch.width, y.elements());
}

}  // namespace cairn
