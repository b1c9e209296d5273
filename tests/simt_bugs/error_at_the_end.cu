// The last call before the program's end fails, and nobody looks.
// caught: unchecked error: cudaStreamDestroy returned cudaErrorInvalidResourceHandle
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
void program() {
  cudaStream_t stream = nullptr;
  check(cudaStreamCreate(&stream));
  check(cudaStreamDestroy(stream));
  if (!kRight) static_cast<void>(cudaStreamDestroy(stream));
}

}  // namespace

extern const SimtBug error_at_the_end;
constinit const SimtBug error_at_the_end{program<false>, program<true>};

}  // namespace cairn
