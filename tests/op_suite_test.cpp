// The op suite sees what it is there to see: ops with faults, and what is said of them.
#include "tests/op_suite.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "core/op_table.h"
#include "kernels/unary/unary.h"

namespace cairn {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kX[] = {-1.5, 0.25, 3, -0.5, 2, 1}, kY[] = {0, 0.25, 3, 0, 2, 1};
constexpr double kNanX[] = {kNan, 1}, kNumberY[] = {0, 1};

/// What `check` says of relu with another kernel.
std::string said_of(KernelFn kernel, Findings (*check)(const OpCase&, const Target&),
                    const Case& row) {
  OpDef op = find_op("relu");
  if (kernel) op.cpu = kernel;
  std::string said;
  for (const Finding& finding : check({&op, &row}, cpu_target()))
    if (!finding.passed) said += to_string(finding) + "\n";
  return said;
}

const Case kRow{.name = "row", .inputs = {{{.shape = {3}, .values = kX}}}, .expect = {kY}};

float* last(const Tensor& t) { return t.as<float>() + t.elements() - 1; }

void past_the_end(const Args& args) {
  static std::mutex one_slice_at_a_time;  // the next slice begins where this one's stray write goes
  const std::scoped_lock lock(one_slice_at_a_time);
  relu_cpu(args);
  last(args.out[0])[1] = 1;
}
void into_the_input(const Args& args) {
  relu_cpu(args);
  *last(args.in[0]) = 7;
}
void one_bit_off(const Args& args) {
  relu_cpu(args);
  *last(args.out[0]) = std::nextafter(1.0f, 2.0f);
}
void negative_zero(const Args& args) {
  relu_cpu(args);
  for (int64_t i = 0; i < args.out[0].elements(); ++i)
    if (float& y = args.out[0].as<float>()[i]; y == 0) y = -0.0f;
}

TEST(OpSuiteItself, PassesAGoodOp) {
  for (const auto check : {check_golden, check_device, check_gradient, check_device_gradient,
                           check_written, check_n_valid})
    EXPECT_EQ(said_of(nullptr, check, kRow), "");
}

TEST(OpSuiteItself, SeesAWriteBehindTheOutput) {
  EXPECT_NE(said_of(past_the_end, check_device, kRow).find("relu.y"), std::string::npos);
}

TEST(OpSuiteItself, SeesAWriteToAnInput) {
  EXPECT_NE(said_of(into_the_input, check_device, kRow).find("input x was written"),
            std::string::npos);
}

TEST(OpSuiteItself, SeesASingleBit) {
  for (const KernelFn kernel : {one_bit_off, negative_zero}) {
    EXPECT_EQ(said_of(kernel, check_golden, kRow), "");
    EXPECT_NE(said_of(kernel, check_device, kRow).find("to the bit"), std::string::npos);
  }
}

TEST(OpSuiteItself, SeesANanInANumbersPlace) {
  const Case row{
      .name = "nan", .n = 1, .inputs = {{{.shape = {2}, .values = kNanX}}}, .expect = {kNumberY}};
  EXPECT_NE(said_of(nullptr, check_golden, row), "");
  const Case other{.name = "number",
                   .n = 1,
                   .inputs = {{{.shape = {2}, .values = kNumberY}}},
                   .expect = {kNanX}};
  EXPECT_NE(said_of(nullptr, check_golden, other), "");
}

TEST(OpSuiteItself, CountsKinks) {
  double x[40] = {};
  for (int i = 0; i < 40; ++i) x[i] = 0.1 * i;  // a kink in 40, at zero
  const Case row{.name = "kinks", .n = 1, .inputs = {{{.shape = {40}, .values = x}}}};
  EXPECT_EQ(said_of(nullptr, check_gradient, row), "");
  x[1] = x[2] = 0;
  EXPECT_NE(said_of(nullptr, check_gradient, row).find("slopes jump"), std::string::npos);
}

}  // namespace
}  // namespace cairn
