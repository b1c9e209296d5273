// The test program: GoogleTest's tests and the op suite's.
#include <gtest/gtest.h>

#include "tests/op_suite.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  cairn::register_op_suite();
  return RUN_ALL_TESTS();
}
