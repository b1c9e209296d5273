// What a build without CUDA answers when it is asked for it.
#include "core/device.h"
#include "core/error.h"

namespace cairn {

std::string why_no_cuda() { return "this build has no CUDA code"; }

std::vector<CudaFact> cuda_facts() {
  return {{"CUDA", "this build has no CUDA code",
           "to train on a GPU, build the preset `cuda`: cmake --preset cuda"}};
}

std::unique_ptr<Device> open_cuda(int) {
  fail("this build has no CUDA code",
       "build the preset `cuda` (cmake --preset cuda), or use --device cpu");
}

}  // namespace cairn
