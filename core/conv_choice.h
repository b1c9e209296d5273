// How convolutions and batch norm are computed on CUDA: --conv, --batch-norm.
#pragma once

#include <map>
#include <optional>
#include <string>

namespace cairn {

/// im2col:   our columns and one product of cuBLAS (kernels/conv2d).
/// implicit: our products, which gather their columns on the way (conv2d_implicit.cu).
/// cudnn:    cuDNN's deterministic algorithms, between two transpositions.
/// auto:     the fastest of the three, measured once for each op and shape; what it `found` belongs
///           to the run, because they differ in the last bits.
///
/// `batch_norm` is `own`, our kernels, or `cudnn`, whose statistics are of float32.
struct ConvChoice {
  std::string algorithm = "im2col";
  std::map<std::string, std::string> found = {};  // "conv2d n=64 x=1x32x32 ..." -> "im2col"
  std::string batch_norm = "own";

  bool operator==(const ConvChoice&) const = default;
};

/// What a run computes them by: what was asked for, with what the run's `auto` found so far; else
/// the run's own choice on CUDA, else im2col and our kernels.
ConvChoice chosen_conv(const std::optional<std::string>& conv,
                       const std::optional<std::string>& batch_norm, const ConvChoice& run,
                       bool on_cuda);

/// A UsageError unless it is one of the four.
void check_conv(const std::string& algorithm);
/// A UsageError unless it is one of the two.
void check_batch_norm(const std::string& algorithm);

}  // namespace cairn
