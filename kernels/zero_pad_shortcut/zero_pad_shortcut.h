// The shortcut of a residual block that has no parameters: every stride-th position, and channels
// of zeros behind x's.
//
//   y[c, i, j] = x[c, i stride, j stride]  for c < C, 0 for C <= c < channels
//   dx[c, i stride, j stride] = dy[c, i, j], 0 elsewhere
//
// x (C,H,W), y (channels,OH,OW) with OH = ceil(H/stride), OW = ceil(W/stride);
// zero_pad_shortcut_grad takes dy and x's sizes as `input_size`=C,H,W. Errors: no planes, fewer
// channels than x has, sizes that don't fit dy. Source: He et al. 2015, "Deep residual learning for
// image recognition", option A.
#pragma once

#include "core/host_device.h"
#include "core/op.h"

namespace cairn {

/// The smaller side of the shortcut beside the larger: planes of x, and those of y that come of it.
struct ShortcutShape {
  int64_t channels, h, w;  // of x
  int64_t out_channels, out_h, out_w;
  int64_t stride;

  ShortcutShape(const Shape& x, const Shape& y, const Attrs& attrs)
      : channels(x[0]),
        h(x[1]),
        w(x[2]),
        out_channels(y[0]),
        out_h(y[1]),
        out_w(y[2]),
        stride(attrs.integer(0)) {}
};

template <class T>
void zero_pad_shortcut_ref(const Args& args);
template <class T>
void zero_pad_shortcut_grad_ref(const Args& args);

void zero_pad_shortcut_cuda(const Args& args, CudaContext& context);
void zero_pad_shortcut_grad_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
