// A copy whose direction says host where the device is meant.
// caught: host memory where device memory belongs
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

template <bool kRight>
void program() {
  std::vector<float> host(32);
  const DeviceArray<float> x(counted<float>(32));
  const auto way = kRight ? cudaMemcpyDeviceToHost : cudaMemcpyHostToDevice;
  check(cudaMemcpy(host.data(), x.data(), x.bytes(), way));  // BUG
  expect_right(host[31] == 32);
}

}  // namespace

extern const SimtBug copy_wrong_way;
constinit const SimtBug copy_wrong_way{program<false>, program<true>};

}  // namespace cairn
