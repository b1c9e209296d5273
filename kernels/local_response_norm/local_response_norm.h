// Local response normalisation: each value is divided by what its neighbours among the channels
// have at the same place.
//
//   d[c] = k + alpha/size * sum of x[c']^2 over the channels c - size/2 <= c' <= c + (size-1)/2
//   y[c] = x[c] / d[c]^beta
//   dx[c] = dy[c] / d[c]^beta - 2 alpha beta/size * x[c] * sum of dy[c'] y[c'] / d[c'] over the c'
//           whose windows hold c
//
// local_response_norm       y, scale = d
// local_response_norm_grad  dx
//
// x, y, scale, dx (C,...) of any rank from 1. Channels outside count as zero; halves are rounded
// down, so that a window of even size has one channel more before c than behind. Attributes are
// PyTorch's: Krizhevsky's alpha = 1e-4 over 5 channels is alpha = 5e-4 here. k is above 0. Errors:
// scalars, other shapes. Source: Krizhevsky, Sutskever and Hinton 2012, "ImageNet classification
// with deep convolutional neural networks", section 3.3.
#pragma once

#include "core/host_device.h"
#include "core/op.h"

namespace cairn {

namespace response_attr {
enum { size, alpha, beta, k };
}

/// The windows over the channels, each a run of `run` elements of a slice.
struct ResponseWindows {
  int64_t channels, run;
  int64_t before, after;  // channels of a window on either side

  ResponseWindows(const Tensor& x, const Attrs& a)
      : channels(x.shape[0]),
        run(channels ? x.features / channels * x.batch.width : 0),
        before(a.integer(response_attr::size) / 2),
        after((a.integer(response_attr::size) - 1) / 2) {}

  /// The windows that hold a channel have it the other way round.
  ResponseWindows holding() const {
    ResponseWindows other = *this;
    other.before = after, other.after = before;
    return other;
  }
  CAIRN_HD int64_t first(int64_t c) const { return c > before ? c - before : 0; }
  CAIRN_HD int64_t last(int64_t c) const { return c + after < channels ? c + after : channels - 1; }
};

/// Numbers of the formulas: `share` is alpha/size.
template <class Real>
struct ResponseFactors {
  Real share, beta, k;

  explicit ResponseFactors(const Attrs& a)
      : share(static_cast<Real>(a.real(response_attr::alpha) / a.real(response_attr::size))),
        beta(static_cast<Real>(a.real(response_attr::beta))),
        k(static_cast<Real>(a.real(response_attr::k))) {}
};

template <class Real>
void local_response_norm_ref(const Args& args);
template <class Real>
void local_response_norm_grad_ref(const Args& args);

void local_response_norm_cpu(const Args& args);
void local_response_norm_grad_cpu(const Args& args);

void local_response_norm_cuda(const Args& args, CudaContext& context);
void local_response_norm_grad_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
