// Device memory that is never freed.
// caught: leak: when the program ends there are still 1 device allocation (one of 400 bytes
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
void program() {
  void* data = nullptr;
  check(cudaMalloc(&data, 400));  // BUG
  if (kRight) check(cudaFree(data));
}

}  // namespace

extern const SimtBug leak;
constinit const SimtBug leak{program<false>, program<true>};

}  // namespace cairn
