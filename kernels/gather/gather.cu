#include <cmath>

#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/gather/gather.h"

namespace cairn {
namespace {

// One thread an element of y: 8 bytes read, 4 written.
__global__ void gather_kernel(const float* x, const int32_t* index, float* y, GatherShape s,
                              int64_t n) {
  for (const int64_t e : grid_stride(n)) {
    const int64_t i = index[e];
    y[e] = i >= 0 && i < s.x[s.dim] ? x[s.line_of_x(e) + i * s.x_step] : NAN;
  }
}

// One thread an element of dx: it looks through the index along the axis and adds what is its own,
// so that sums have one order. Reads 4 bytes for each index on its line, writes 4.
__global__ void gather_grad_kernel(const float* dy, const int32_t* index, float* dx, GatherShape s,
                                   int64_t n) {
  for (const int64_t e : grid_stride(n)) {
    const int64_t place = e / s.x_step % s.x[s.dim], line = s.line_of_index(e);
    float sum = 0;
    for (int64_t j = 0; line >= 0 && j < s.index[s.dim]; ++j)
      if (index[line + j * s.index_step] == place) sum += dy[line + j * s.index_step];
    dx[e] = sum;
  }
}

Grid grid_over(const Tensor& t, CudaContext& context) {
  return {.grid = blocks_for(t.elements()), .block = kThreads, .stream = context.stream};
}

}  // namespace

void gather_cuda(const Args& args, CudaContext& context) {
  const Tensor &x = args.in[0], &index = args.in[1], &y = args.out[0];
  const int axis = example_axis("gather", x.type(), args.attrs->integer(gather_attr::dim));
  launch(gather_kernel, grid_over(y, context), x.as<float>(), index.as<int32_t>(), y.as<float>(),
         GatherShape(index.shape, x.shape, axis), y.elements());
}

void gather_grad_cuda(const Args& args, CudaContext& context) {
  const Tensor &dy = args.in[0], &index = args.in[1], &dx = args.out[0];
  const int axis = example_axis("gather_grad", dx.type(), args.attrs->integer(gather_attr::dim));
  launch(gather_grad_kernel, grid_over(dx, context), dy.as<float>(), index.as<int32_t>(),
         dx.as<float>(), GatherShape(index.shape, dx.shape, axis), dx.elements());
}

}  // namespace cairn
