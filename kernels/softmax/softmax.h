// Softmax along one axis of each example, its logarithm, and their gradients in terms of the
// output.
//
//   softmax:           y_k = exp(x_k - max x) / sum_j exp(x_j - max x)
//   log_softmax:       y_k = x_k - max x - log(sum_j exp(x_j - max x))
//   softmax_grad:      dx_k = y_k (dy_k - sum_j dy_j y_j)
//   log_softmax_grad:  dx_k = dy_k - exp(y_k) sum_j dy_j
//
// Any shape, batched or plain; k, j run along the axis `dim`, the last by default, which counts as
// in PyTorch: a batched tensor's axis 0 is the batch. A NaN, a +Inf, or -Inf alone make the whole
// column NaN, as in PyTorch. Errors: dim out of range, dim the batch, an axis of no elements, y and
// dy of different types. Source: Bridle 1990, "Probabilistic interpretation of feedforward
// classification network outputs".
#pragma once

#include <cmath>

#include "core/host_device.h"
#include "core/op.h"

namespace cairn {

namespace softmax_attr {
enum { dim };
}

/// A slice as columns along an axis: `outer` blocks [size][stride], whose columns are apart.
struct Columns {
  int64_t outer = 1, size = 1, stride = 1;

  CAIRN_HD int64_t count() const { return outer * stride; }
  /// Where column c of a slice begins.
  CAIRN_HD int64_t begin(int64_t c) const { return c / stride * size * stride + c % stride; }
};

struct SoftmaxShape : Columns {
  explicit SoftmaxShape(const Args& args) {
    stride = args.in[0].batch.width;
    const Shape& x = args.in[0].shape;
    const int axis =
        example_axis("softmax", args.in[0].type(), args.attrs->integer(softmax_attr::dim));
    for (int i = 0; i < x.rank(); ++i) (i < axis ? outer : i == axis ? size : stride) *= x[i];
  }
};

/// What softmax needs of a column; element k lies at x[k * stride].
template <class Real>
struct SoftmaxColumn {
  Real max = 0, sum = 0;  // of the elements; of exp(x - max)
  int64_t largest = 0;    // the first of the largest elements

  CAIRN_HD SoftmaxColumn(const Real* x, int64_t size, int64_t stride) {
    max = x[0];
    for (int64_t k = 1; k < size; ++k)
      if (x[k * stride] > max) max = x[k * stride], largest = k;
    double total = 0;  // float32 would lose digits of many elements
    for (int64_t k = 0; k < size; ++k) total += std::exp(x[k * stride] - max);
    sum = static_cast<Real>(total);
  }
  CAIRN_HD Real softmax(Real x) const { return std::exp(x - max) / sum; }
  CAIRN_HD Real log_softmax(Real x) const { return x - max - std::log(sum); }
};

template <class Real, bool log>
void softmax_ref(const Args& args);
template <class Real, bool log>
void softmax_grad_ref(const Args& args);

void softmax_cpu(const Args& args);
void log_softmax_cpu(const Args& args);
void softmax_grad_cpu(const Args& args);
void log_softmax_grad_cpu(const Args& args);

void softmax_cuda(const Args& args, CudaContext& context);
void log_softmax_cuda(const Args& args, CudaContext& context);
void softmax_grad_cuda(const Args& args, CudaContext& context);
void log_softmax_grad_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
