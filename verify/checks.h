// The checks of an op's rows: each gives what it found as plain data. The op suite makes
// GoogleTest's failures of it, `cairn check` a table.
//
// A check takes any table of ops and any device. Devices compute in float32; beside them stands the
// reference, plain loops in float32 and float64 on one thread.
#pragma once

#include <vector>

#include "core/device.h"
#include "verify/cases.h"
#include "verify/finding.h"

namespace cairn {

/// What is checked.
struct Target {
  /// At least one. The first is compared with the reference, the others (with other threads; or the
  /// same again) with the first, to the bit.
  std::vector<Device*> devices;
  bool every_simd = false;               // on a CPU: with every vector target that it has
  std::vector<OpRunOptions> plans = {};  // none: several slice widths on a CPU, one slice on CUDA

  Device& device() const { return *devices.front(); }
};

/// The reference's device, opened once.
Device& reference_device();

/// Outputs and mutated inputs against the row's golden values: reference (both types) and device.
Findings check_golden(const OpCase& c, const Target& target);
/// StepState after the op: reference and device.
Findings check_step(const OpCase& c, const Target& target);
/// The row is bad input: refused with the text that the row gives. CUDA's kernels may take bad
/// values, but must do no harm.
Findings check_refused(const OpCase& c, const Target& target);
/// The device with every plan against the float64 reference, within max(4e-6 max |y|, twice the
/// float32 reference's error); bit-equal on the other devices; where the op is bit_exact, a CPU's
/// bits are the float32 reference's.
Findings check_device(const OpCase& c, const Target& target);
/// Every element of every valid lane is written, and spare lanes hold finite values.
Findings check_written(const OpCase& c, const Target& target);
/// A batch with spare examples gives what the valid ones alone give.
Findings check_n_valid(const OpCase& c, const Target& target);
/// Sums over the batch are added to what is there.
Findings check_sums(const OpCase& c, const Target& target);
/// The rule's gradients in float64 against central differences of the float64 reference.
Findings check_gradient(const OpCase& c, const Target& target);
/// The gradients of the device against the float64 reference's, within the tolerance of
/// check_device.
Findings check_device_gradient(const OpCase& c, const Target& target);
/// A gradient through an op that has none is an Error that names the op.
Findings check_no_derivative(const OpCase& c, const Target& target);

/// The outputs that gradients pass through.
std::vector<int> differentiable_outputs(const OpCall& call);

/// A check by the name that the suite's tests give it: "Golden", "NValid".
struct Check {
  const char* name;
  Findings (*run)(const OpCase&, const Target&);
};

/// The checks that a row can show something of.
std::vector<Check> checks_of(const OpCase& c);
/// Runs one; an exception is a finding too.
Findings run_check(const Check& check, const OpCase& c, const Target& target);
/// All checks of all rows of an op.
Findings check_op(const OpDef& op, const Target& target);

}  // namespace cairn
