// On CUDA a batch is one slice, so that N examples are the innermost axis.
#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/concat/concat.h"
#include "kernels/slice/axis_runs.h"

namespace cairn {
namespace {

// One thread an element of y, coalesced: 4 bytes read, 4 written. Runs of `first` elements of a and
// `second` of b take turns.
__global__ void concat_kernel(const float* a, const float* b, float* y, int64_t first,
                              int64_t second, int64_t n) {
  for (const int64_t i : grid_stride(n)) {
    const int64_t run = i / (first + second), at = i % (first + second);
    y[i] = at < first ? a[run * first + at] : b[run * second + at - first];
  }
}

}  // namespace

void concat_cuda(const Args& args, CudaContext& context) {
  const Tensor &a = args.in[0], &b = args.in[1], &y = args.out[0];
  const int axis = example_axis("concat", a.type(), args.attrs->integer(concat_attr::dim));
  const int64_t inner = AxisRuns(a, axis).inner;
  launch(concat_kernel,
         {.grid = blocks_for(y.elements()), .block = kThreads, .stream = context.stream},
         a.as<float>(), b.as<float>(), y.as<float>(), a.shape[axis] * inner, b.shape[axis] * inner,
         y.elements());
}

}  // namespace cairn
