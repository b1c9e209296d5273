// Average and max pooling over windows of a plane, and their gradients.
//
//   avg_pool2d:       y[c,p,q] = 1/d sum over the window of x; places outside count as zero
//   max_pool2d:       y[c,p,q] = max over the window's places inside x;
//                     indices[c,p,q] = h W + w of the first maximum, or of the last NaN, which wins
//   avg_pool2d_grad:  dx[c,h,w] = sum of dy/d over the windows that hold (h,w)
//   max_pool2d_grad:  dx[c,h,w] = sum of dy over the windows whose index is h W + w
//
// x, dx (C,H,W); y, dy, indices (C,OH,OW); OH = floor((H + 2P - D (KH - 1) - 1) / S) + 1. With
// ceil_mode it is rounded up, less a window that would start in the padding at the end.
// Attributes are those of torch.nn.functional: kernel_size, stride and padding are (height, width)
// pairs, stride 0 means kernel_size, and max_pool2d has a pair `dilation`, the step D from one of
// the window's places to the next. avg_pool2d's divisor d is `divisor_override`, where that isn't
// 0; else the window's places inside x and, with count_include_pad, its padding, but nothing beyond
// that. The gradients take `input_size` (H,W) too, and `activation` (none, relu, tanh, sigmoid,
// scaled_tanh): the pool's x was that function's output, which they then need as y (C,H,W), and dx
// is the gradient of what went into the function. kernels/adaptive_pool has pools that fit their
// windows. Errors: a kernel larger than the padded input, padding above half the kernel, a window
// whose places all miss x. Sources: LeCun et al. 1998 (subsampling); Ranzato, Boureau and LeCun
// 2007 (max pooling).
#pragma once

#include <algorithm>

#include "core/op.h"

namespace cairn {

/// Attributes of both pools, then of either; input_size and the one behind it, activation, are the
/// gradients' alone.
namespace pool_attr {
enum { kernel_size, stride, padding, ceil_mode };
enum { dilation = ceil_mode + 1, max_input_size, max_activation };
enum { count_include_pad = ceil_mode + 1, divisor_override, avg_input_size, avg_activation };
}  // namespace pool_attr

/// The windows along one axis.
struct PoolAxis {
  int64_t in = 0, out = 0, kernel = 1, stride = 1, pad = 0, dilation = 1;
  int64_t extent = 1;  // from a window's first place to behind its last
  bool count_pad = false;

  PoolAxis(const Attrs& a, int axis, int64_t in, int64_t out)
      : in(in),
        out(out),
        kernel(a.integer(pool_attr::kernel_size, axis)),
        stride(a.integer(pool_attr::stride, axis)),
        pad(a.integer(pool_attr::padding, axis)),
        extent(kernel) {
    if (stride == 0) stride = kernel;
  }

  void dilate(int64_t by) { dilation = by, extent = by * (kernel - 1) + 1; }
  /// Window p holds the inputs begin(p), begin(p) + dilation, ... below end(p).
  CAIRN_HD int64_t begin(int64_t p) const {
    const int64_t first = p * stride - pad;
    if (first >= 0) return first;
    return dilation == 1 ? 0 : (dilation - -first % dilation) % dilation;
  }
  CAIRN_HD int64_t end(int64_t p) const {
    const int64_t last = p * stride - pad + extent;
    return last < in ? last : in;
  }
  /// Places of window p in an average's divisor.
  CAIRN_HD int64_t count(int64_t p) const {
    const int64_t first = p * stride - pad, last = first + kernel, most = in + pad;
    return count_pad ? (last < most ? last : most) - first : end(p) - begin(p);
  }
  /// Whether count is the same for all windows.
  bool uniform() const {
    return (count_pad || pad == 0) &&
           (out - 1) * stride + kernel <= in + pad + (count_pad ? pad : 0);
  }
  /// Of the windows, none but [first(h), last(h)] hold input h; all of them where dilation is 1.
  CAIRN_HD int64_t first(int64_t h) const {
    const int64_t low = h + pad - extent + 1;
    return low > 0 ? (low + stride - 1) / stride : 0;
  }
  CAIRN_HD int64_t last(int64_t h) const {
    const int64_t high = (h + pad) / stride;
    return high < out - 1 ? high : out - 1;
  }
  /// Whether window p, one of those, holds it.
  CAIRN_HD bool holds(int64_t p, int64_t h) const {
    return dilation == 1 || (h + pad - p * stride) % dilation == 0;
  }
  /// Whether each input is in one window.
  bool tiles() const { return stride == kernel && pad == 0 && dilation == 1 && out * stride == in; }
};

/// Both axes, from the shapes (C,H,W) of x and (C,OH,OW) of y.
struct PoolShape {
  int64_t channels = 0;
  PoolAxis h, w;

  PoolShape(const Shape& x, const Shape& y, const Attrs& a)
      : channels(x[0]), h(a, 0, x[1], y[1]), w(a, 1, x[2], y[2]) {}
};

struct MaxPoolShape : PoolShape {
  MaxPoolShape(const Shape& x, const Shape& y, const Attrs& a) : PoolShape(x, y, a) {
    h.dilate(a.integer(pool_attr::dilation, 0));
    w.dilate(a.integer(pool_attr::dilation, 1));
  }
};

struct AvgPoolShape : PoolShape {
  int64_t divisor_override = 0;

  AvgPoolShape(const Shape& x, const Shape& y, const Attrs& a)
      : PoolShape(x, y, a), divisor_override(a.integer(pool_attr::divisor_override)) {
    h.count_pad = w.count_pad = a.flag(pool_attr::count_include_pad);
  }
  bool uniform() const { return divisor_override != 0 || (h.uniform() && w.uniform()); }
  CAIRN_HD int64_t divisor(int64_t p, int64_t q) const {
    return divisor_override != 0 ? divisor_override : h.count(p) * w.count(q);
  }
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
