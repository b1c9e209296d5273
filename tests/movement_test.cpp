// Ops that move elements, along axes that batched rows of the op suite can't name: axis 0 of plain
// tensors.
#include <gtest/gtest.h>

#include "core/op_table.h"
#include "tests/op_suite.h"

namespace cairn {
namespace {

constexpr double kA[] = {1, 2, 3, 4, 5, 6}, kB[] = {7, 8, 9};

/// A row whose examples are the first axis of plain tensors: as the suite would run it, had it no
/// batched form.
void check_plain(std::string_view op, const Case& row) {
  const OpCase c{&find_op(op), &row, true};
  for (const auto check : {check_golden, check_device, check_written, check_gradient})
    report(check(c, cpu_target()));
}

TEST(Movement, TransposeOfPlainTensors) {
  constexpr double kY[] = {1, 4, 2, 5, 3, 6};
  check_plain("transpose", {.name = "t",
                            .attrs = "dim0=0 dim1=1",
                            .inputs = {{{.shape = {3}, .values = kA}}},
                            .expect = {kY}});
  for (const int64_t n : {1, 33})
    check_plain(
        "transpose",
        {.name = "large", .attrs = "dim0=0 dim1=-1", .n = n, .inputs = {{{.shape = {5, 65}}}}});
}

TEST(Movement, PermuteOfPlainTensors) {
  constexpr double kY[] = {1, 3, 5, 2, 4, 6};  // (1,3,2) to (2,1,3)
  check_plain("permute", {.name = "golden",
                          .attrs = "dims=2,0,1",
                          .n = 1,
                          .inputs = {{{.shape = {3, 2}, .values = kA}}},
                          .expect = {kY}});
  for (const char* dims : {"dims=3,1,0,2", "dims=1,2,3,0", "dims=2,3,0,1", "dims=3,2,1,0"})
    check_plain("permute",
                {.name = "large", .attrs = dims, .n = 19, .inputs = {{{.shape = {3, 7, 35}}}}});
}

TEST(Movement, ConcatOfPlainTensors) {
  // PyTorch's default, dim=0: the rows of a, then those of b.
  constexpr double kY[] = {1, 2, 3, 4, 5, 6, 1, 3, 5, 2, 4, 6}, kOther[] = {1, 3, 5, 2, 4, 6};
  check_plain("concat",
              {.name = "rows",
               .inputs = {{{.shape = {3}, .values = kA}, {.shape = {3}, .values = kOther}}},
               .expect = {kY}});
}

TEST(Movement, SliceOfPlainTensors) {
  constexpr double kY[] = {3, 4};
  check_plain("slice", {.name = "rows",
                        .attrs = "start=-2 end=-1",
                        .n = 3,
                        .inputs = {{{.shape = {2}, .values = kA}}},
                        .expect = {kY}});
}

TEST(Movement, PadOfPlainTensors) {
  constexpr double kY[] = {0, 0, 0, 0, 0, 7, 8, 9};  // a row above, a column before
  check_plain("pad", {.name = "border",
                      .attrs = "pad=1,0,1,0",
                      .n = 1,
                      .inputs = {{{.shape = {3}, .values = kB}}},
                      .expect = {kY}});
}

}  // namespace
}  // namespace cairn
