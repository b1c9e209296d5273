#include "core/conv_choice.h"

#include <fmt/format.h>

#include "core/error.h"

namespace cairn {

void check_conv(const std::string& algorithm) {
  constexpr const char* kHint = "choose im2col, cudnn or auto";
  if (algorithm == "implicit")
    fail_usage("--conv implicit: convolutions without columns don't exist yet", kHint);
  if (algorithm != "im2col" && algorithm != "cudnn" && algorithm != "auto")
    fail_usage(fmt::format("--conv can't be \"{}\"", algorithm), kHint);
}

ConvChoice chosen_conv(const std::optional<std::string>& asked, const ConvChoice& run,
                       bool on_cuda) {
  if (asked) return {*asked, run.found};
  return on_cuda ? run : ConvChoice();
}

}  // namespace cairn
