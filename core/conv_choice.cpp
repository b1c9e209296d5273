#include "core/conv_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/error.h"

namespace cairn {

void check_conv(const std::string& algorithm) {
  constexpr std::array<std::string_view, 4> kAlgorithms{"im2col", "implicit", "cudnn", "auto"};
  if (std::ranges::find(kAlgorithms, algorithm) == kAlgorithms.end())
    fail_usage(fmt::format("--conv can't be \"{}\"", algorithm),
               "choose im2col, implicit, cudnn or auto");
}

void check_batch_norm(const std::string& algorithm) {
  if (algorithm != "own" && algorithm != "cudnn")
    fail_usage(fmt::format("--batch-norm can't be \"{}\"", algorithm), "choose own or cudnn");
}

ConvChoice chosen_conv(const std::optional<std::string>& conv,
                       const std::optional<std::string>& batch_norm, const ConvChoice& run,
                       bool on_cuda) {
  ConvChoice choice = on_cuda ? run : ConvChoice();
  if (conv) choice.algorithm = *conv, choice.found = run.found;
  if (batch_norm) choice.batch_norm = *batch_norm;
  return choice;
}

}  // namespace cairn
