// In place of cuDNN: descriptors and plain loops for the calls that the project makes. Tensors are
// dense (N,C,H,W) of float, convolutions are cross-correlations.
#include <cudnn.h>

#include <cmath>
#include <cstdint>

#include "simt/library.h"

struct cudnnContext {
  cudaStream_t stream = nullptr;
};
struct cudnnTensorStruct {
  int64_t n = 0, c = 0, h = 0, w = 0;
  size_t bytes() const { return static_cast<size_t>(n * c * h * w) * sizeof(float); }
};
struct cudnnFilterStruct : cudnnTensorStruct {};  // n outputs, c inputs of a group
struct cudnnConvolutionStruct {
  int64_t pad_h = 0, pad_w = 0, stride_h = 1, stride_w = 1, dil_h = 1, dil_w = 1, groups = 1;
};

namespace {

using Tensor = cudnnTensorStruct;
using Convolution = cudnnConvolutionStruct;

template <class D>
cudnnStatus_t make(D** descriptor) {
  *descriptor = new D;
  return CUDNN_STATUS_SUCCESS;
}

template <class D>
cudnnStatus_t destroy(D* descriptor) {
  delete descriptor;
  return CUDNN_STATUS_SUCCESS;
}

/// Whether y is what the convolution makes of x with w.
bool fits(const Tensor& x, const Tensor& w, const Convolution& c, const Tensor& y) {
  const auto size = [](int64_t in, int64_t pad, int64_t k, int64_t dil, int64_t stride) {
    return (in + 2 * pad - (k - 1) * dil - 1) / stride + 1;
  };
  return x.n == y.n && y.c == w.n && x.c == w.c * c.groups && w.n % c.groups == 0 &&
         y.h == size(x.h, c.pad_h, w.h, c.dil_h, c.stride_h) &&
         y.w == size(x.w, c.pad_w, w.w, c.dil_w, c.stride_w);
}

/// Calls f(index in x, index in w, index in y) for every product of the convolution, those of one
/// element of y one after another.
template <class F>
void for_products(const Tensor& x, const Tensor& w, const Convolution& c, const Tensor& y, F f) {
  int64_t at = 0;
  for (int64_t n = 0; n < y.n; ++n)
    for (int64_t k = 0; k < y.c; ++k)
      for (int64_t p = 0; p < y.h; ++p)
        for (int64_t q = 0; q < y.w; ++q, ++at)
          for (int64_t i = 0; i < w.c; ++i)
            for (int64_t r = 0; r < w.h; ++r)
              for (int64_t s = 0; s < w.w; ++s) {
                const int64_t h = p * c.stride_h - c.pad_h + r * c.dil_h;
                const int64_t v = q * c.stride_w - c.pad_w + s * c.dil_w;
                if (h < 0 || h >= x.h || v < 0 || v >= x.w) continue;
                const int64_t channel = k / (w.n / c.groups) * w.c + i;
                f(((n * x.c + channel) * x.h + h) * x.w + v, ((k * w.c + i) * w.h + r) * w.w + s,
                  at);
              }
}

void scale(float* data, const Tensor& shape, float by) {
  const int64_t count = shape.n * shape.c * shape.h * shape.w;
  for (int64_t i = 0; i < count; ++i) data[i] = by == 0 ? 0 : by * data[i];
}

/// Whether batch norm can be of x with what each channel has.
bool fits(cudnnBatchNormMode_t mode, const Tensor& x, const Tensor& y, const Tensor& channels,
          double eps) {
  return mode == CUDNN_BATCHNORM_SPATIAL && x.bytes() == y.bytes() && x.c == y.c &&
         channels.c == x.c && channels.bytes() == static_cast<size_t>(x.c) * sizeof(float) &&
         eps >= CUDNN_BN_MIN_EPSILON;
}

/// Calls f(place) for the values of channel c.
template <class F>
void for_channel(const Tensor& x, int64_t c, F f) {
  for (int64_t n = 0; n < x.n; ++n)
    for (int64_t i = 0; i < x.h * x.w; ++i) f((n * x.c + c) * x.h * x.w + i);
}

void blend(float& to, double value, float alpha, float beta) {
  to = static_cast<float>(alpha * value + (beta == 0 ? 0 : beta * to));
}

float factor(const void* scalar) { return *static_cast<const float*>(scalar); }

/// One deterministic algorithm without workspace is what there is.
template <class Perf>
cudnnStatus_t the_algorithm(int most, int* count, Perf* found, decltype(Perf::algo) algorithm) {
  *count = most > 0 ? 1 : 0;
  if (most > 0) {
    found[0] = {};
    found[0].algo = algorithm;
    found[0].status = CUDNN_STATUS_SUCCESS;
    found[0].determinism = CUDNN_DETERMINISTIC;
    found[0].mathType = CUDNN_FMA_MATH;
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t status(cudaError_t result) {
  return result == cudaSuccess ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_EXECUTION_FAILED;
}

}  // namespace

size_t cudnnGetVersion() { return CUDNN_VERSION; }

const char* cudnnGetErrorString(cudnnStatus_t result) {
  switch (result) {
    case CUDNN_STATUS_SUCCESS:
      return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_BAD_PARAM:
      return "CUDNN_STATUS_BAD_PARAM";
    case CUDNN_STATUS_NOT_SUPPORTED:
      return "CUDNN_STATUS_NOT_SUPPORTED";
    default:
      return "CUDNN_STATUS_EXECUTION_FAILED";
  }
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) { return make(handle); }
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) { return destroy(handle); }
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* d) { return make(d); }
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t d) { return destroy(d); }
cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* d) { return make(d); }
cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t d) { return destroy(d); }
cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t* d) { return make(d); }
cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t d) {
  return destroy(d);
}

cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t d, cudnnTensorFormat_t format,
                                         cudnnDataType_t type, int n, int c, int h, int w) {
  if (format != CUDNN_TENSOR_NCHW || type != CUDNN_DATA_FLOAT) return CUDNN_STATUS_NOT_SUPPORTED;
  if (n < 1 || c < 1 || h < 1 || w < 1) return CUDNN_STATUS_BAD_PARAM;
  *d = {n, c, h, w};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t d, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
  return cudnnSetTensor4dDescriptor(d, format, type, k, c, h, w);
}

cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t d, int pad_h, int pad_w,
                                              int stride_h, int stride_w, int dil_h, int dil_w,
                                              cudnnConvolutionMode_t mode, cudnnDataType_t type) {
  if (mode != CUDNN_CROSS_CORRELATION || type != CUDNN_DATA_FLOAT)
    return CUDNN_STATUS_NOT_SUPPORTED;
  if (pad_h < 0 || pad_w < 0 || stride_h < 1 || stride_w < 1 || dil_h < 1 || dil_w < 1)
    return CUDNN_STATUS_BAD_PARAM;
  *d = {pad_h, pad_w, stride_h, stride_w, dil_h, dil_w, d->groups};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t d, int groups) {
  if (groups < 1) return CUDNN_STATUS_BAD_PARAM;
  d->groups = groups;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t, cudnnMathType_t) {
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t, const cudnnTensorDescriptor_t x,
                                                     const cudnnFilterDescriptor_t w,
                                                     const cudnnConvolutionDescriptor_t conv,
                                                     const cudnnTensorDescriptor_t y,
                                                     const int most, int* count,
                                                     cudnnConvolutionFwdAlgoPerf_t* found) {
  if (!fits(*x, *w, *conv, *y)) return CUDNN_STATUS_BAD_PARAM;
  return the_algorithm(most, count, found, CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM);
}

cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(
    cudnnHandle_t, const cudnnFilterDescriptor_t w, const cudnnTensorDescriptor_t dy,
    const cudnnConvolutionDescriptor_t conv, const cudnnTensorDescriptor_t dx, const int most,
    int* count, cudnnConvolutionBwdDataAlgoPerf_t* found) {
  if (!fits(*dx, *w, *conv, *dy)) return CUDNN_STATUS_BAD_PARAM;
  return the_algorithm(most, count, found, CUDNN_CONVOLUTION_BWD_DATA_ALGO_1);
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(
    cudnnHandle_t, const cudnnTensorDescriptor_t x, const cudnnTensorDescriptor_t dy,
    const cudnnConvolutionDescriptor_t conv, const cudnnFilterDescriptor_t dw, const int most,
    int* count, cudnnConvolutionBwdFilterAlgoPerf_t* found) {
  if (!fits(*x, *dw, *conv, *dy)) return CUDNN_STATUS_BAD_PARAM;
  return the_algorithm(most, count, found, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1);
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void* alpha,
                                      const cudnnTensorDescriptor_t x, const void* x_data,
                                      const cudnnFilterDescriptor_t w, const void* w_data,
                                      const cudnnConvolutionDescriptor_t conv,
                                      cudnnConvolutionFwdAlgo_t, void*, size_t, const void* beta,
                                      const cudnnTensorDescriptor_t y, void* y_data) {
  if (!fits(*x, *w, *conv, *y)) return CUDNN_STATUS_BAD_PARAM;
  const auto work = [=, x = *x, w = *w, conv = *conv, y = *y, a = *static_cast<const float*>(alpha),
                     b = *static_cast<const float*>(beta)] {
    const auto *from = static_cast<const float*>(x_data), *by = static_cast<const float*>(w_data);
    auto* to = static_cast<float*>(y_data);
    scale(to, y, b);
    for_products(x, w, conv, y,
                 [&](int64_t i, int64_t j, int64_t k) { to[k] += a * from[i] * by[j]; });
  };
  return status(simt::enqueue(
      "cudnnConvolutionForward", handle->stream,
      {{x_data, x->bytes(), false}, {w_data, w->bytes(), false}, {y_data, y->bytes(), true}},
      work));
}

cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void* alpha,
                                           const cudnnFilterDescriptor_t w, const void* w_data,
                                           const cudnnTensorDescriptor_t dy, const void* dy_data,
                                           const cudnnConvolutionDescriptor_t conv,
                                           cudnnConvolutionBwdDataAlgo_t, void*, size_t,
                                           const void* beta, const cudnnTensorDescriptor_t dx,
                                           void* dx_data) {
  if (!fits(*dx, *w, *conv, *dy)) return CUDNN_STATUS_BAD_PARAM;
  const auto work = [=, w = *w, dy = *dy, conv = *conv, dx = *dx,
                     a = *static_cast<const float*>(alpha), b = *static_cast<const float*>(beta)] {
    const auto *from = static_cast<const float*>(dy_data), *by = static_cast<const float*>(w_data);
    auto* to = static_cast<float*>(dx_data);
    scale(to, dx, b);
    for_products(dx, w, conv, dy,
                 [&](int64_t i, int64_t j, int64_t k) { to[i] += a * from[k] * by[j]; });
  };
  return status(simt::enqueue(
      "cudnnConvolutionBackwardData", handle->stream,
      {{w_data, w->bytes(), false}, {dy_data, dy->bytes(), false}, {dx_data, dx->bytes(), true}},
      work));
}

cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void* alpha,
                                             const cudnnTensorDescriptor_t x, const void* x_data,
                                             const cudnnTensorDescriptor_t dy, const void* dy_data,
                                             const cudnnConvolutionDescriptor_t conv,
                                             cudnnConvolutionBwdFilterAlgo_t, void*, size_t,
                                             const void* beta, const cudnnFilterDescriptor_t dw,
                                             void* dw_data) {
  if (!fits(*x, *dw, *conv, *dy)) return CUDNN_STATUS_BAD_PARAM;
  const auto work = [=, x = *x, dy = *dy, conv = *conv, dw = *dw,
                     a = *static_cast<const float*>(alpha), b = *static_cast<const float*>(beta)] {
    const auto *from = static_cast<const float*>(x_data), *by = static_cast<const float*>(dy_data);
    auto* to = static_cast<float*>(dw_data);
    scale(to, dw, b);
    for_products(x, dw, conv, dy,
                 [&](int64_t i, int64_t j, int64_t k) { to[j] += a * from[i] * by[k]; });
  };
  return status(simt::enqueue(
      "cudnnConvolutionBackwardFilter", handle->stream,
      {{x_data, x->bytes(), false}, {dy_data, dy->bytes(), false}, {dw_data, dw->bytes(), true}},
      work));
}

cudnnStatus_t cudnnBatchNormalizationForwardTraining(
    cudnnHandle_t handle, cudnnBatchNormMode_t mode, const void* alpha, const void* beta,
    const cudnnTensorDescriptor_t x, const void* x_data, const cudnnTensorDescriptor_t y,
    void* y_data, const cudnnTensorDescriptor_t channels, const void* scale, const void* bias,
    double momentum, void* running_mean, void* running_var, double eps, void* mean, void* inverse) {
  if (!fits(mode, *x, *y, *channels, eps)) return CUDNN_STATUS_BAD_PARAM;
  const auto work = [=, x = *x, a = factor(alpha), b = factor(beta)] {
    const auto* from = static_cast<const float*>(x_data);
    const auto count = static_cast<double>(x.n * x.h * x.w);
    for (int64_t c = 0; c < x.c; ++c) {
      double m = 0, v = 0;
      for_channel(x, c, [&](int64_t i) { m += from[i] / count; });
      for_channel(x, c, [&](int64_t i) { v += (from[i] - m) * (from[i] - m) / count; });
      const double k = 1 / std::sqrt(v + eps), w = static_cast<const float*>(scale)[c];
      for_channel(x, c, [&](int64_t i) {
        const double y = w * (from[i] - m) * k + static_cast<const float*>(bias)[c];
        blend(static_cast<float*>(y_data)[i], y, a, b);
      });
      static_cast<float*>(mean)[c] = static_cast<float>(m);
      static_cast<float*>(inverse)[c] = static_cast<float>(k);
      const auto rate = static_cast<float>(momentum), rest = static_cast<float>(1 - momentum);
      blend(static_cast<float*>(running_mean)[c], m, rate, rest);
      blend(static_cast<float*>(running_var)[c], v * count / (count - 1), rate, rest);
    }
  };
  const size_t bytes = channels->bytes();
  return status(simt::enqueue("cudnnBatchNormalizationForwardTraining", handle->stream,
                              {{x_data, x->bytes(), false},
                               {scale, bytes, false},
                               {bias, bytes, false},
                               {y_data, y->bytes(), true},
                               {running_mean, bytes, true},
                               {running_var, bytes, true},
                               {mean, bytes, true},
                               {inverse, bytes, true}},
                              work));
}

cudnnStatus_t cudnnBatchNormalizationForwardInference(
    cudnnHandle_t handle, cudnnBatchNormMode_t mode, const void* alpha, const void* beta,
    const cudnnTensorDescriptor_t x, const void* x_data, const cudnnTensorDescriptor_t y,
    void* y_data, const cudnnTensorDescriptor_t channels, const void* scale, const void* bias,
    const void* mean, const void* variance, double eps) {
  if (!fits(mode, *x, *y, *channels, eps)) return CUDNN_STATUS_BAD_PARAM;
  const auto work = [=, x = *x, a = factor(alpha), b = factor(beta)] {
    for (int64_t c = 0; c < x.c; ++c) {
      const auto of = [c](const void* data) { return double{static_cast<const float*>(data)[c]}; };
      const double k = of(scale) / std::sqrt(of(variance) + eps);
      for_channel(x, c, [&](int64_t i) {
        const double y = k * (static_cast<const float*>(x_data)[i] - of(mean)) + of(bias);
        blend(static_cast<float*>(y_data)[i], y, a, b);
      });
    }
  };
  const size_t bytes = channels->bytes();
  return status(simt::enqueue("cudnnBatchNormalizationForwardInference", handle->stream,
                              {{x_data, x->bytes(), false},
                               {scale, bytes, false},
                               {bias, bytes, false},
                               {mean, bytes, false},
                               {variance, bytes, false},
                               {y_data, y->bytes(), true}},
                              work));
}

cudnnStatus_t cudnnBatchNormalizationBackward(cudnnHandle_t handle, cudnnBatchNormMode_t mode,
                                              const void* alpha, const void* beta,
                                              const void* alpha_sums, const void* beta_sums,
                                              const cudnnTensorDescriptor_t x, const void* x_data,
                                              const cudnnTensorDescriptor_t dy, const void* dy_data,
                                              const cudnnTensorDescriptor_t dx, void* dx_data,
                                              const cudnnTensorDescriptor_t channels,
                                              const void* scale, void* dscale, void* dbias,
                                              double eps, const void* mean, const void* inverse) {
  if (!fits(mode, *x, *dx, *channels, eps) || dy->bytes() != x->bytes())
    return CUDNN_STATUS_BAD_PARAM;
  const auto work = [=, x = *x, a = factor(alpha), b = factor(beta), a_sums = factor(alpha_sums),
                     b_sums = factor(beta_sums)] {
    const auto *from = static_cast<const float*>(x_data), *d = static_cast<const float*>(dy_data);
    const auto count = static_cast<double>(x.n * x.h * x.w);
    for (int64_t c = 0; c < x.c; ++c) {
      const double m = static_cast<const float*>(mean)[c];
      const double k = static_cast<const float*>(inverse)[c];
      double products = 0, sum = 0;
      for_channel(x, c, [&](int64_t i) {
        products += d[i] * (from[i] - m) * k;
        sum += d[i];
      });
      for_channel(x, c, [&](int64_t i) {
        const double centred = d[i] - (sum + (from[i] - m) * k * products) / count;
        blend(static_cast<float*>(dx_data)[i], static_cast<const float*>(scale)[c] * k * centred, a,
              b);
      });
      blend(static_cast<float*>(dscale)[c], products, a_sums, b_sums);
      blend(static_cast<float*>(dbias)[c], sum, a_sums, b_sums);
    }
  };
  const size_t bytes = channels->bytes();
  return status(simt::enqueue("cudnnBatchNormalizationBackward", handle->stream,
                              {{x_data, x->bytes(), false},
                               {dy_data, dy->bytes(), false},
                               {scale, bytes, false},
                               {mean, bytes, false},
                               {inverse, bytes, false},
                               {dx_data, dx->bytes(), true},
                               {dscale, bytes, true},
                               {dbias, bytes, true}},
                              work));
}
