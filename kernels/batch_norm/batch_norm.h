// Batch normalisation: each channel gets mean 0 and variance 1 over the batch and all positions,
// then a scale and an offset that are learnt.
//
//   m  = mean of x over the n = examples * positions values of a channel, v = their variance / n
//   xh = (x - m) / sqrt(v + eps)
//   y  = act(weight xh + bias + residual)
//   running_mean = (1 - momentum) running_mean + momentum m
//   running_var  = (1 - momentum) running_var + momentum v n/(n-1)
//
// With dz = dL/d(weight xh + bias), sums over the channel's values:
//
//   dbias = sum dz      dweight = sum dz xh
//   dx    = weight / sqrt(v + eps) (dz - dbias/n - xh dweight/n)
//
// batch_norm                 training: y, stats from x; updates the running averages
// batch_norm_inference       y with the running averages in place of m and v
// batch_norm_grad            dx, dweight, dbias
// batch_norm_relu_grad       the same of dy where act is relu: dz = y <= 0 ? 0 : dy, which is the
//                            residual's gradient too. Its place is where relu_grad was before a
//                            batch_norm_grad: our CUDA kernels then take 7 passes over memory for 8
// batch_norm_inference_grad  the same where m and v are constants: dx = weight / sqrt(v + eps) dz.
//                            The running averages have no gradient.
//
// x, y, residual (C,...) of any rank from 1, so 1d and 2d are one op; running averages, weight and
// bias (C), where weight and bias may be absent (1 and 0); `activation` is none or relu. `stats`
// (C,2) holds m and 1/sqrt(v + eps) in float64: with mean 1e3 and deviation 1e-2 a float32 mean is
// off by 0.3% of the deviation. Spare examples are left out of all sums. Errors: scalars, another
// number of channels, in training a single value per channel (reported on the host; y is NaN on
// CUDA).
//
// Where batches are sliced, batch_norm and batch_norm_grad are lowered to ops that pass slice by
// slice: sums (f64: sum x and sum x^2 of tiles, each made about a value of the tile and moved by
// Chan's formula), stats of the sums, normalize; and grad_sums, grad_input. float64 sums about zero
// lose (m/deviation)^2 1e-16 of the variance: 1e-6 for the example above.
//
// Sources: Ioffe and Szegedy 2015, "Batch normalization"; the gradient's form after He et al. 2015
// and PyTorch's batch_norm; Chan, Golub and LeVeque 1979 for moments of parts.
#pragma once

#include <cmath>

#include "core/host_device.h"
#include "core/op.h"

namespace cairn {

/// Positions of attributes: of batch_norm and batch_norm_stats, of batch_norm_inference.
namespace batch_norm_attr {
constexpr int eps = 0, momentum = 1, activation = 2, positions = 2, inference_activation = 1;
}

/// Of n values with these sums; the variance is never below 0.
struct ChannelMoments {
  double mean = 0, variance = 0;

  CAIRN_HD ChannelMoments(double n, double sum, double squares) {
    if (n <= 0) return;
    mean = sum / n;
    const double v = squares / n - mean * mean;
    variance = v > 0 ? v : 0;
  }
};

/// y = (x - shift) scale + offset (+ residual), in float without loss where x lies near the mean:
/// `shift` is the mean rounded, `offset` holds the rest.
template <class Real>
struct Normalizer {
  Real shift, scale, offset;

  CAIRN_HD Normalizer(double mean, double inverse, const Real* weight, const Real* bias,
                      int64_t c) {
    const double k = weight ? weight[c] * inverse : inverse;
    shift = static_cast<Real>(mean);
    scale = static_cast<Real>(k);
    offset = static_cast<Real>((bias ? bias[c] : 0) - (mean - shift) * k);
  }
  CAIRN_HD Real operator()(Real x) const { return (x - shift) * scale + offset; }
};

/// dx = scale dz - slope (x - shift) - offset.
template <class Real>
struct NormalizerGrad {
  Real shift, scale, slope, offset;

  CAIRN_HD NormalizerGrad(double n, double mean, double inverse, const Real* weight, double dweight,
                          double dbias, int64_t c) {
    const double k = weight ? weight[c] * inverse : inverse, q = k * inverse * dweight / n;
    shift = static_cast<Real>(mean);
    scale = static_cast<Real>(k);
    slope = static_cast<Real>(q);
    offset = static_cast<Real>(k * dbias / n - q * (mean - shift));
  }
  CAIRN_HD Real operator()(Real x, Real dz) const {
    return scale * dz - slope * (x - shift) - offset;
  }
};

/// A channel's values in a slice lie side by side: `positions` rows of the slice's width.
struct ChannelRuns {
  int64_t channels, positions;

  explicit ChannelRuns(const Tensor& x)
      : channels(x.shape[0]), positions(channels ? x.features / channels : 0) {}
};

/// What keeps a channel from having a variance is an Error, on the host.
void expect_variance(std::string_view op, double n);

/// batch_norm_relu_grad in two parts: mask(args) makes dz, by relu_grad's arguments, grad(args) the
/// rest, by batch_norm_grad's.
template <class Mask, class Grad>
void in_two_parts(const Args& args, Mask mask, Grad grad) {
  Args part = args;
  part.out = args.out + 3;
  mask(part);
  const Tensor in[] = {args.out[3], args.in[2], args.in[3], args.in[4]};
  part.in = in, part.out = args.out;
  grad(part);
}

/// CUDA: parts that a channel of `run` elements is summed in, each by a block.
inline int64_t batch_norm_parts(int64_t channels, int64_t run) {
  constexpr int64_t kElements = 4096, kMostBlocks = 1024;
  const int64_t most = kMostBlocks / channels, wanted = run / kElements;
  return wanted < most ? (wanted > 1 ? wanted : 1) : (most > 1 ? most : 1);
}

/// CUDA: two float64 sums for each part of each channel, and as many totals in float32.
inline int64_t batch_norm_sums_bytes(int64_t channels, int64_t run) {
  const int64_t parts = batch_norm_parts(channels, run);
  return 2 * channels * (parts * int64_t{sizeof(double)} + int64_t{sizeof(float)});
}

template <class Real>
void batch_norm_ref(const Args& args);
template <class Real>
void batch_norm_inference_ref(const Args& args);
template <class Real>
void batch_norm_inference_grad_ref(const Args& args);
template <class Real>
void batch_norm_sums_ref(const Args& args);
template <class Real>
void batch_norm_stats_ref(const Args& args);
template <class Real>
void batch_norm_normalize_ref(const Args& args);
template <class Real>
void batch_norm_grad_ref(const Args& args);
template <class Real>
void batch_norm_relu_grad_ref(const Args& args);
template <class Real>
void batch_norm_grad_sums_ref(const Args& args);
template <class Real>
void batch_norm_grad_input_ref(const Args& args);

void batch_norm_inference_cpu(const Args& args);
void batch_norm_inference_grad_cpu(const Args& args);
void batch_norm_sums_cpu(const Args& args);
void batch_norm_normalize_cpu(const Args& args);
void batch_norm_grad_sums_cpu(const Args& args);
void batch_norm_grad_input_cpu(const Args& args);

void batch_norm_cuda(const Args& args, CudaContext& context);
void batch_norm_inference_cuda(const Args& args, CudaContext& context);
void batch_norm_inference_grad_cuda(const Args& args, CudaContext& context);
void batch_norm_sums_cuda(const Args& args, CudaContext& context);
void batch_norm_stats_cuda(const Args& args, CudaContext& context);
void batch_norm_normalize_cuda(const Args& args, CudaContext& context);
void batch_norm_grad_cuda(const Args& args, CudaContext& context);
void batch_norm_relu_grad_cuda(const Args& args, CudaContext& context);
void batch_norm_grad_sums_cuda(const Args& args, CudaContext& context);
void batch_norm_grad_input_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
