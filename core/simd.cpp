#include "core/simd.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {
const char* target() { return hwy::TargetName(HWY_TARGET); }
}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {
namespace {

/// Those that this machine has, the best first: a better target is a lower bit.
std::vector<int64_t> compiled_targets() {
  hwy::SetSupportedTargetsForTest(0);
  std::vector<int64_t> targets;
  for (int64_t left = hwy::SupportedTargets() & HWY_TARGETS; left != 0; left &= left - 1)
    targets.push_back(left & -left);
  return targets;
}

void take(int64_t target) { hwy::GetChosenTarget().Update(target); }

}  // namespace

HWY_EXPORT(target);
std::string simd_target() { return HWY_DYNAMIC_DISPATCH(target)(); }

std::vector<std::string> simd_targets() {
  std::vector<std::string> names;
  for (const int64_t target : compiled_targets()) names.emplace_back(hwy::TargetName(target));
  return names;
}

void pin_simd_target(std::string_view name) {
  const auto same_letter = [](char a, char b) {
    return std::toupper(static_cast<unsigned char>(a)) ==
           std::toupper(static_cast<unsigned char>(b));
  };
  const std::vector<int64_t> targets = compiled_targets();
  if (name == "auto") return take(targets.front());
  for (const int64_t target : targets)
    if (std::ranges::equal(name, std::string_view(hwy::TargetName(target)), same_letter))
      return take(target);
  fail_usage(fmt::format("kernels can't run with SIMD target '{}' here", name),
             fmt::format("use auto or one of {}", fmt::join(simd_targets(), ", ")));
}
}  // namespace cairn
#endif
