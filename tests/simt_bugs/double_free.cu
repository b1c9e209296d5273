// Device memory is freed twice.
// caught: cudaFree
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
void program() {
  void* data = nullptr;
  check(cudaMalloc(&data, 400));
  check(cudaFree(data));
  if (!kRight) check(cudaFree(data));  // BUG
}

}  // namespace

extern const SimtBug double_free;
constinit const SimtBug double_free{program<false>, program<true>};

}  // namespace cairn
