#include "simt/library.h"

#include <vector>

#include "simt/api.h"
#include "simt/checker.h"
#include "simt/fault.h"
#include "simt/memory.h"

namespace simt {

cudaError_t enqueue(const char* name, cudaStream_t handle, std::initializer_list<Operand> operands,
                    std::function<void()> work) {
  return api(name, [&] {
    Stream* stream = streams().find(handle);
    if (!stream) return cudaErrorInvalidResourceHandle;
    const std::vector<Operand> all(operands);
    streams().enqueue(
        stream,
        [name, all, work = std::move(work)] {
          const Memory::Access access;
          for (const Operand& operand : all) {
            const std::string problem = memory().is_device(operand.data)
                                            ? memory().problem(operand.data, operand.bytes)
                                            : "host memory";
            if (problem.empty()) continue;
            report(std::string(name) + (operand.writes ? " writes to " : " reads ") + problem);
            return cudaErrorIllegalAddress;
          }
          work();
          for (const Operand& operand : all)
            if (operand.writes) checker().defined(operand.data, operand.bytes);
          return cudaSuccess;
        },
        true);
    return cudaSuccess;
  });
}

}  // namespace simt
