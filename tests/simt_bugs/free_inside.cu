// A pointer into an allocation is freed, not its begin.
// caught: cudaFree
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
void program() {
  float* data = nullptr;
  check(cudaMalloc(reinterpret_cast<void**>(&data), 400));
  check(cudaFree(kRight ? data : data + 1));  // BUG
}

}  // namespace

extern const SimtBug free_inside;
constinit const SimtBug free_inside{program<false>, program<true>};

}  // namespace cairn
