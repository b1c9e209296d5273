// Average pooling over windows that are fitted to the plane, and the gradients.
//
//   adaptive_avg_pool2d:       y[c,p,q] = mean of x[c,h,w] over the window of (p,q)
//   global_avg_pool2d:         y[c] = mean of x[c,h,w] over the plane
//   adaptive_avg_pool2d_grad:  dx[c,h,w] = sum of dy / places over the windows that hold (h,w)
//   global_avg_pool2d_grad:    dx[c,h,w] = dy[c] / (H W)
//
// x, dx (C,H,W); y, dy (C,OH,OW), global (C). A window holds begin(p) <= h < end(p), begin(p)
// = floor(p H / OH), end(p) = ceil((p + 1) H / OH), and w likewise: windows overlap where OH
// doesn't divide H. `output_size` is the pair (OH,OW) as in torch.nn.functional; 0 stands for None,
// the input's size. The gradients take `input_size` (H,W). Errors: x of another rank, an empty
// plane, a dy that doesn't fit. Sources: PyTorch's definition; Lin, Chen and Yan 2013, "Network in
// network" (global).
#pragma once

#include "core/op.h"

namespace cairn {

/// The windows along one axis.
struct AdaptiveAxis {
  int64_t in = 0, out = 0;

  CAIRN_HD int64_t begin(int64_t p) const { return p * in / out; }
  CAIRN_HD int64_t end(int64_t p) const { return ((p + 1) * in + out - 1) / out; }
  /// The windows [first(h), last(h)] hold input h.
  CAIRN_HD int64_t first(int64_t h) const { return h * out / in; }
  CAIRN_HD int64_t last(int64_t h) const { return ((h + 1) * out - 1) / in; }
};

/// Both axes, from the shapes of x and y; a global pool has one window.
struct AdaptiveShape {
  int64_t channels = 0;
  AdaptiveAxis h, w;

  AdaptiveShape(const Shape& x, const Shape& y)
      : channels(x[0]), h{x[1], y.rank() == 1 ? 1 : y[1]}, w{x[2], y.rank() == 1 ? 1 : y[2]} {}

  CAIRN_HD int64_t places(int64_t p, int64_t q) const {
    return (h.end(p) - h.begin(p)) * (w.end(q) - w.begin(q));
  }
};

// Both pools.
template <class Real>
void adaptive_avg_pool2d_ref(const Args& args);
template <class Real>
void adaptive_avg_pool2d_grad_ref(const Args& args);

void adaptive_avg_pool2d_cpu(const Args& args);
void adaptive_avg_pool2d_grad_cpu(const Args& args);

void adaptive_avg_pool2d_cuda(const Args& args, CudaContext& context);
void adaptive_avg_pool2d_grad_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
