// Average and max pooling over windows of a plane, and their gradients.
//
//   avg_pool2d:       y[c,p,q] = 1/(KH KW) sum over the window of x; places outside count as zero
//   max_pool2d:       y[c,p,q] = max over the window's places inside x;
//                     indices[c,p,q] = h W + w of the first maximum, or of the last NaN, which wins
//   avg_pool2d_grad:  dx[c,h,w] = 1/(KH KW) sum of dy over the windows that hold (h,w)
//   max_pool2d_grad:  dx[c,h,w] = sum of dy over the windows whose index is h W + w
//
// x, dx (C,H,W); y, dy, indices (C,OH,OW); OH = floor((H + 2P - KH) / S) + 1. kernel_size, stride
// and padding are (height, width) pairs as in torch.nn.functional; stride 0 means kernel_size. The
// gradients take `input_size` (H,W) too. Errors: a kernel larger than the padded input, padding
// above half the kernel. Sources: LeCun et al. 1998 (subsampling); Ranzato, Boureau and LeCun 2007
// (max pooling).
#pragma once

#include <algorithm>

#include "core/op.h"

namespace cairn {

namespace pool_attr {
enum { kernel_size, stride, padding, input_size };
}

/// The windows along one axis.
struct PoolAxis {
  int64_t in = 0, out = 0, kernel = 1, stride = 1, pad = 0;

  PoolAxis(const Attrs& a, int axis, int64_t in, int64_t out)
      : in(in),
        out(out),
        kernel(a.integer(pool_attr::kernel_size, axis)),
        stride(a.integer(pool_attr::stride, axis)),
        pad(a.integer(pool_attr::padding, axis)) {
    if (stride == 0) stride = kernel;
  }

  /// Window p holds the inputs [begin(p), end(p)).
  CAIRN_HD int64_t begin(int64_t p) const {
    const int64_t first = p * stride - pad;
    return first > 0 ? first : 0;
  }
  CAIRN_HD int64_t end(int64_t p) const {
    const int64_t last = p * stride - pad + kernel;
    return last < in ? last : in;
  }
  /// The windows [first(h), last(h)] hold input h.
  CAIRN_HD int64_t first(int64_t h) const {
    const int64_t low = h + pad - kernel + 1;
    return low > 0 ? (low + stride - 1) / stride : 0;
  }
  CAIRN_HD int64_t last(int64_t h) const {
    const int64_t high = (h + pad) / stride;
    return high < out - 1 ? high : out - 1;
  }
};

/// Both axes, from the shapes (C,H,W) of x and (C,OH,OW) of y.
struct PoolShape {
  int64_t channels = 0;
  PoolAxis h, w;

  PoolShape(const Shape& x, const Shape& y, const Attrs& a)
      : channels(x[0]), h(a, 0, x[1], y[1]), w(a, 1, x[2], y[2]) {}
};

template <class Real>
void avg_pool2d_ref(const Args& args);
template <class Real>
void max_pool2d_ref(const Args& args);
template <class Real>
void avg_pool2d_grad_ref(const Args& args);
template <class Real>
void max_pool2d_grad_ref(const Args& args);

void avg_pool2d_cpu(const Args& args);
void max_pool2d_cpu(const Args& args);
void avg_pool2d_grad_cpu(const Args& args);
void max_pool2d_grad_cpu(const Args& args);

void avg_pool2d_cuda(const Args& args, CudaContext& context);
void max_pool2d_cuda(const Args& args, CudaContext& context);
void avg_pool2d_grad_cuda(const Args& args, CudaContext& context);
void max_pool2d_grad_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
