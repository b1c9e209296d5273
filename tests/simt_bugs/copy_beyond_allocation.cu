// A copy to the device that is longer than the allocation.
// caught: over the end of an allocation of 128 bytes
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
void program() {
  const std::vector<float> host(64, 1.0f);
  const DeviceArray<float> x(32);
  check(cudaMemcpy(x.data(), host.data(), (kRight ? 32 : 64) * 4, cudaMemcpyHostToDevice));  // BUG
}

}  // namespace

extern const SimtBug copy_beyond_allocation;
constinit const SimtBug copy_beyond_allocation{program<false>, program<true>};

}  // namespace cairn
