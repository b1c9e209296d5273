// How losses are summed over the batch: attribute 0 of every loss.
#pragma once

#include "core/host_device.h"
#include "core/op.h"

namespace cairn {

enum class Reduction : int { mean = 0, sum = 1 };
inline constexpr std::string_view kReductions[] = {"mean", "sum"};
inline constexpr AttrDef kReductionAttr{
    .name = "reduction", .type = AttrType::choice, .max = 1, .choices = kReductions};

/// 1/n of the reduction.
CAIRN_HD inline double loss_scale(Reduction reduction, const StepState& step) {
  return reduction == Reduction::mean ? step.inverse_count() : 1.0;
}

inline Reduction reduction_of(const Args& args) {
  return static_cast<Reduction>(args.attrs->integer(0));
}

}  // namespace cairn
