// How convolutions are computed on CUDA: --conv.
#pragma once

#include <map>
#include <optional>
#include <string>

namespace cairn {

/// im2col: our columns and one product of cuBLAS (kernels/conv2d).
/// cudnn:  cuDNN's deterministic algorithms, between two transpositions.
/// auto:   the faster of the two, measured once for each op and shape; what it `found` belongs to
///         the run, because the two differ in the last bits.
struct ConvChoice {
  std::string algorithm = "im2col";
  std::map<std::string, std::string> found = {};  // "conv2d n=64 x=1x32x32 ..." -> "im2col"

  bool operator==(const ConvChoice&) const = default;
};

/// What a run computes its convolutions by: what was asked for, with what the run's `auto` found so
/// far; else the run's own choice on CUDA, else im2col.
ConvChoice chosen_conv(const std::optional<std::string>& asked, const ConvChoice& run,
                       bool on_cuda);

/// A UsageError unless it is one of the three.
void check_conv(const std::string& algorithm);

}  // namespace cairn
