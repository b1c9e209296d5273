// On CUDA the batch is one slice, so columns lie side by side along the inner axes and the batch.
#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/softmax/softmax.h"

namespace cairn {
namespace {

// One thread a column, coalesced along the inner axes and the batch: 12 bytes read and 4 written an
// element.
template <bool log>
__global__ void softmax_kernel(SoftmaxShape shape, const float* x, float* y) {
  for (const int64_t c : grid_stride(shape.count())) {
    const int64_t begin = shape.begin(c);
    const SoftmaxColumn<float> column(x + begin, shape.size, shape.stride);
    for (int64_t k = 0; k < shape.size; ++k) {
      const int64_t i = begin + k * shape.stride;
      y[i] = log ? column.log_softmax(x[i]) : column.softmax(x[i]);
    }
  }
}

// One thread a column, as above: 16 bytes read and 4 written an element.
template <bool log>
__global__ void softmax_grad_kernel(SoftmaxShape shape, const float* y, const float* dy,
                                    float* dx) {
  for (const int64_t c : grid_stride(shape.count())) {
    const int64_t begin = shape.begin(c), end = begin + shape.size * shape.stride;
    double total = 0;  // as in the forward pass
    for (int64_t i = begin; i < end; i += shape.stride) total += log ? dy[i] : dy[i] * y[i];
    const auto sum = static_cast<float>(total);
    for (int64_t i = begin; i < end; i += shape.stride)
      dx[i] = log ? dy[i] - expf(y[i]) * sum : y[i] * (dy[i] - sum);
  }
}

template <bool log>
void launch_softmax(const Args& args, CudaContext& context) {
  const SoftmaxShape shape(args);
  launch(softmax_kernel<log>,
         Grid{.grid = blocks_for(shape.count()), .block = kThreads, .stream = context.stream},
         shape, args.in[0].as<float>(), args.out[0].as<float>());
}

template <bool log>
void launch_softmax_grad(const Args& args, CudaContext& context) {
  const SoftmaxShape shape(args);
  launch(softmax_grad_kernel<log>,
         Grid{.grid = blocks_for(shape.count()), .block = kThreads, .stream = context.stream},
         shape, args.in[0].as<float>(), args.in[1].as<float>(), args.out[0].as<float>());
}

}  // namespace

void softmax_cuda(const Args& args, CudaContext& context) { launch_softmax<false>(args, context); }
void log_softmax_cuda(const Args& args, CudaContext& context) {
  launch_softmax<true>(args, context);
}
void softmax_grad_cuda(const Args& args, CudaContext& context) {
  launch_softmax_grad<false>(args, context);
}
void log_softmax_grad_cuda(const Args& args, CudaContext& context) {
  launch_softmax_grad<true>(args, context);
}

}  // namespace cairn
