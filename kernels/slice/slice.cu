// On CUDA a batch is one slice, so that N examples are the innermost axis. One thread an element of
// the output, coalesced.
#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/slice/axis_runs.h"
#include "kernels/slice/slice.h"

namespace cairn {
namespace {

// 4 bytes read, 4 written.
__global__ void slice_kernel(const float* x, float* y, AxisRuns runs, SliceRange range, int64_t n) {
  for (const int64_t i : grid_stride(n)) {
    const int64_t k = i / runs.inner % range.count, block = i / runs.inner / range.count;
    const int64_t place = block * runs.length + range.first + k * range.step;
    y[i] = x[place * runs.inner + i % runs.inner];
  }
}

// At most 4 bytes read, 4 written.
__global__ void slice_grad_kernel(const float* dy, float* dx, AxisRuns runs, SliceRange range,
                                  int64_t n) {
  for (const int64_t i : grid_stride(n)) {
    const int64_t k = range.index_of(i / runs.inner % runs.length);
    const int64_t block = i / runs.inner / runs.length;
    dx[i] = k < 0 ? 0.0f : dy[(block * range.count + k) * runs.inner + i % runs.inner];
  }
}

}  // namespace

void slice_cuda(const Args& args, CudaContext& context) {
  const Tensor &x = args.in[0], &y = args.out[0];
  const AxisRuns runs(x, example_axis("slice", x.type(), args.attrs->integer(slice_attr::dim)));
  launch(slice_kernel,
         {.grid = blocks_for(y.elements()), .block = kThreads, .stream = context.stream},
         x.as<float>(), y.as<float>(), runs, SliceRange(*args.attrs, runs.length), y.elements());
}

void slice_grad_cuda(const Args& args, CudaContext& context) {
  const Tensor &dy = args.in[0], &dx = args.out[0];
  const AxisRuns runs(dx,
                      example_axis("slice_grad", dx.type(), args.attrs->integer(slice_attr::dim)));
  launch(slice_grad_kernel,
         {.grid = blocks_for(dx.elements()), .block = kThreads, .stream = context.stream},
         dy.as<float>(), dx.as<float>(), runs, SliceRange(*args.attrs, runs.length), dx.elements());
}

}  // namespace cairn
