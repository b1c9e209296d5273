// cudaMemset with a count of elements twice as large as the array.
// caught: over the end of an allocation of 128 bytes
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
void program() {
  const DeviceArray<float> x(32);
  check(cudaMemset(x.data(), 0, x.bytes() * (kRight ? 1 : 2)));  // BUG
}

}  // namespace

extern const SimtBug fill_beyond_allocation;
constinit const SimtBug fill_beyond_allocation{program<false>, program<true>};

}  // namespace cairn
