// cuDNN, opened at run time: the three passes of a convolution and of batch norm that we take from
// it.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/cuda/context.h"
#include "core/cuda/cublas.h"

namespace cairn {

enum class ConvPass : uint8_t { forward, dx, dw };

/// The sizes of a convolution of `n` examples: x (n,cin,h,w), weights (cout,cin/groups,kh,kw), y
/// (n,cout,oh,ow), all dense.
struct ConvProblem {
  int64_t n = 1, cin = 1, h = 1, w = 1, cout = 1, oh = 1, ow = 1, kh = 1, kw = 1, groups = 1;
  int64_t stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0, dil_h = 1, dil_w = 1;

  auto operator<=>(const ConvProblem&) const = default;
};

/// What batch norm is of: `run` values of each channel side by side in memory, which is (C,H,W,N),
/// or (C,N), as cuDNN's (N,C,H,W) of one example: "spatial" for planes and vectors.
struct NormProblem {
  int64_t channels = 1, positions = 1, batch = 1;
};

/// What each channel has, in float32.
struct NormChannels {
  const float *weight, *bias;
  float *running_mean, *running_var;
  float *mean, *inverse;  // of the batch: m, 1/sqrt(v + eps)
};

/// "conv2d_dx n=64 x=1x32x32 y=6x28x28 k=5x5 stride=1x1 padding=0x0 dilation=1x1 groups=1"
std::string describe(ConvPass pass, const ConvProblem& problem);

/// The library and a handle that works on one stream; needs cuDNN 9.
class Cudnn {
 public:
  /// Throws Error where the library can't be used.
  explicit Cudnn(cudaStream_t stream);
  ~Cudnn();

  /// Looks for it. Needs no device.
  static CudaLibraryFact find();

  /// Enqueues one pass in float32, without TF32:
  ///   forward:  to = conv(a = x, b = weights)
  ///   dx:       to = the gradient of x, from a = dy and b = weights
  ///   dw:       to += the gradient of the weights, from a = x and b = dy
  /// The first call for a problem asks cuDNN's heuristics for the best algorithm that is
  /// deterministic, sums products as they are (FFT and Winograd's are less exact: Lavin and Gray
  /// 2016) and fits `bytes` of workspace; that depends on the problem, the card and the version of
  /// cuDNN. Throws Error where there is none.
  void convolve(ConvPass pass, const ConvProblem& problem, const float* a, const float* b,
                float* to, void* workspace, size_t bytes);

  /// Enqueues batch norm in training, over all lanes (kernels/batch_norm): writes y, mean and
  /// inverse and moves the running averages.
  void batch_norm(const NormProblem& problem, const NormChannels& channels, double eps,
                  double momentum, const float* x, float* y);
  /// The same by the running averages, which stay.
  void batch_norm_inference(const NormProblem& problem, const NormChannels& channels, double eps,
                            const float* x, float* y);
  /// The gradient in training by mean and inverse: sets dx, dweight and dbias.
  void batch_norm_grad(const NormProblem& problem, const NormChannels& channels, double eps,
                       const float* x, const float* dz, float* dx, float* dweight, float* dbias);

 private:
  struct Library;
  std::unique_ptr<Library> library_;
};

}  // namespace cairn
