// The op suite: every test row of every op in the table, one test a row and property.
//
// Link the sources op_*.cpp with a table of your own ops and they are covered too (tests/new_op).
#pragma once

#include <functional>
#include <span>

#include "tests/op_cases.h"

namespace cairn {

/// Registers the suite's tests with GoogleTest; call it before RUN_ALL_TESTS.
void register_op_suite();

// The properties, one function each (tests/op_checks.cpp, tests/op_gradient_check.cpp).

/// Outputs and mutated inputs against the row's golden values, on reference (both types) and cpu.
void check_golden(const OpCase& c);
/// StepState after the op.
void check_step(const OpCase& c);
/// The row is bad input: refused with the text that the row gives.
void check_refused(const OpCase& c);
/// cpu at every slice width and with every SIMD target against the float64 reference; bit-equal for
/// any number of threads.
void check_cpu(const OpCase& c);
/// Every element of every valid lane is written, and spare lanes hold finite values.
void check_written(const OpCase& c);
/// A batch with spare examples gives what the valid ones alone give.
void check_n_valid(const OpCase& c);
/// The rule's gradients against central differences of the float64 reference.
void check_gradient(const OpCase& c);
/// A gradient through an op that has none is an Error that names the op.
void check_no_derivative(const OpCase& c);

/// cpu on two threads against the references, for a few plans.
void check_plans(const OpCall& call, std::span<const OpRunOptions> plans);
/// Shapes beside the rows (tests/op_shapes.cpp): a table of sizes, each with check_plans,
/// check_n_valid and, where it is small, check_gradient; and every width of the op's sum from 1 to
/// 1,100. None for ops without such a table.
std::function<void()> shape_check(const OpDef& op);
std::function<void()> width_check(const OpDef& op);

/// A device by its specification, opened once. The reference has one thread.
Device& test_device(const std::string& spec, int threads = 1);

}  // namespace cairn
