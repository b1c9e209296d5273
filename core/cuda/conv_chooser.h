// Which way a convolution, or batch norm, takes on CUDA.
#pragma once

#include <memory>
#include <string>

#include "core/conv_choice.h"
#include "core/cuda/cudnn.h"
#include "core/op.h"

namespace cairn {

/// The functions that compute one of the convolution's ops.
struct ConvWays {
  CudaFn im2col, implicit, cudnn;
};

class ConvChooser {
 public:
  explicit ConvChooser(cudaStream_t stream) : stream_(stream) {}

  /// Takes a choice. Where cuDNN can't be used, `cudnn` is an Error, and `auto` has the other
  /// two; the result then says why, else it is empty.
  std::string set(const ConvChoice& choice);
  const ConvChoice& choice() const { return choice_; }
  bool batch_norm_by_cudnn() const { return choice_.batch_norm == "cudnn"; }
  /// Only for calls that cuDNN takes.
  Cudnn& cudnn() { return *cudnn_; }

  /// The way that computes this convolution. The first time that `auto` meets a problem it runs all
  /// on these arguments and waits for them, so a problem that is new must not come up while the
  /// stream is captured. `adds`: the output is added to; it stays untouched.
  CudaFn choose(ConvPass pass, const ConvProblem& problem, bool adds, const Args& args,
                CudaContext& context, const ConvWays& ways);

 private:
  cudaStream_t stream_;
  ConvChoice choice_;
  std::unique_ptr<Cudnn> cudnn_;
};

}  // namespace cairn
