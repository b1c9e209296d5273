// The op suite: every test row of every op in the table, one test a row and check
// (verify/checks.h).
//
// A program with a table of your own ops that links cairn_op_suite covers them too (tests/new_op).
#pragma once

#include <functional>

#include "verify/checks.h"

namespace cairn {

/// Registers the suite's tests with GoogleTest; call it before RUN_ALL_TESTS.
void register_op_suite();

/// A failure of the running test for each finding that is one.
void report(const Findings& findings);

/// Shapes beside the rows (tests/op_shapes.cpp): a table of sizes, each with check_device on a few
/// plans, check_n_valid and, where it is small, check_gradient; and every width of the op's sum
/// from 1 to 1,100. None for ops without such a table.
std::function<void()> shape_check(const OpDef& op);
std::function<void()> width_check(const OpDef& op);

/// A device by its specification, opened once. The reference has one thread.
Device& test_device(const std::string& spec, int threads = 1);
/// The CPU on 2 threads, held to the bits of 1 and 4 and of every vector target.
Target cpu_target();
/// What the suite holds the ops to: $CAIRN_TEST_DEVICE where that is set, else the CPU.
Target tested_target();

}  // namespace cairn
