// What a check finds, as plain data.
#pragma once

#include <string>
#include <vector>

namespace cairn {

/// One comparison of a check: the worst element of a tensor, or a question of yes or no.
struct Finding {
  std::string row;       // "conv2d.strided.plain"
  std::string property;  // one of kProperties
  std::string where;     // the run: "cpu, width 8, sliced"
  std::string value;     // "y[1, 0, 2]": PyTorch's indices; empty where it is no comparison
  double got = 0, wanted = 0;
  double error = 0;      // |got - wanted|; infinite where they can't be compared
  double tolerance = 0;  // the largest error that passes; 0 where bits are compared
  bool passed = true;
  std::string fault = {};  // of a failure: what is wrong, in words
};

using Findings = std::vector<Finding>;

/// What findings are about, in the order in which they are shown.
inline constexpr const char* kProperties[] = {
    "golden",           // golden values from outside Cairn
    "device",           // the device's float32 against the float64 reference
    "n_valid",          // a partial batch against its real examples alone
    "gradient",         // the gradient rule in float64 against central differences
    "device gradient",  // the device's gradients against the float64 reference's
    "bits",             // runs that must be equal to the bit
    "writes",           // memory written that isn't the op's to write, or left unwritten
    "contract"};        // bad input refused, missing derivatives told, StepState advanced

/// Error over tolerance of a comparison with a tolerance; 0 elsewhere.
double share_of_tolerance(const Finding& finding);

/// "relu.planes, device, cpu, width 8: y[1, 0, 2] is 3, not 4 (error 1, tolerance 1.6e-05)".
std::string to_string(const Finding& finding);

}  // namespace cairn
