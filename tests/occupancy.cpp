// Occupancy of kernels on compute capability 9.0 by the formula of CUDA's own header. Reads lines
// of a kernel's registers a thread, bytes of static and of dynamic shared memory and threads of a
// block; answers each with the blocks and warps that a multiprocessor holds at a time, and with
// what limits them.
#include <cuda_occupancy.h>

#include <climits>
#include <iostream>
#include <string>

namespace {

/// NVIDIA, CUDA C++ Programming Guide, "Technical Specifications per Compute Capability".
cudaOccDeviceProp compute_capability_9_0() {
  cudaOccDeviceProp device;
  device.computeMajor = 9;
  device.maxThreadsPerBlock = 1024;
  device.maxThreadsPerMultiprocessor = 2048;
  device.regsPerBlock = device.regsPerMultiprocessor = 65536;
  device.warpSize = 32;
  device.sharedMemPerBlock = 48 << 10;
  device.sharedMemPerBlockOptin = 227 << 10;
  device.sharedMemPerMultiprocessor = 228 << 10;
  device.reservedSharedMemPerBlock = 1 << 10;
  device.numSms = 132;  // H100 SXM and H200
  return device;
}

std::string names_of(unsigned limits) {
  std::string names;
  const auto add = [&](unsigned limit, const char* name) {
    if (limits & limit) names += (names.empty() ? "" : ", ") + std::string(name);
  };
  add(OCC_LIMIT_WARPS, "warps");
  add(OCC_LIMIT_REGISTERS, "registers");
  add(OCC_LIMIT_SHARED_MEMORY, "shared memory");
  add(OCC_LIMIT_BLOCKS, "blocks");
  add(OCC_LIMIT_BARRIERS, "barriers");
  return names;
}

}  // namespace

int main() {
  const cudaOccDeviceProp device = compute_capability_9_0();
  int threads = 0;
  size_t dynamic = 0;
  cudaOccFuncAttributes kernel;
  kernel.maxThreadsPerBlock = INT_MAX;
  kernel.shmemLimitConfig = FUNC_SHMEM_LIMIT_OPTIN;
  kernel.maxDynamicSharedSizeBytes = device.sharedMemPerBlockOptin;
  kernel.numBlockBarriers = 1;
  while (std::cin >> kernel.numRegs >> kernel.sharedSizeBytes >> dynamic >> threads) {
    cudaOccResult result;
    const cudaOccDeviceState state;
    if (cudaOccMaxActiveBlocksPerMultiprocessor(&result, &device, &kernel, &state, threads,
                                                dynamic) != CUDA_OCC_SUCCESS) {
      std::cerr << "no such launch: " << kernel.numRegs << " registers, " << threads
                << " threads\n";
      return 1;
    }
    const int warps = (threads + device.warpSize - 1) / device.warpSize;
    std::cout << result.activeBlocksPerMultiprocessor << ' '
              << result.activeBlocksPerMultiprocessor * warps << ' '
              << names_of(result.limitingFactors) << '\n';
  }
}
