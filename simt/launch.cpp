// Launches of kernels, and what the CUDA runtime tells of kernels.
#include <cuda_runtime_api.h>
#include <dlfcn.h>

#include <cstdio>
#include <map>
#include <memory>
#include <new>
#include <unordered_map>
#include <utility>

#include "simt/api.h"
#include "simt/engine.h"
#include "simt/kernel.h"
#include "simt/memory.h"

namespace simt {
namespace {

struct Known {
  const Signature* signature = nullptr;
  /// Launches by threads of a block and bytes of its dynamic shared memory.
  std::map<std::pair<uint64_t, size_t>, int64_t> launches;
  size_t dynamic_shared = kStaticSharedBytes;  // that it may be launched with
};
std::unordered_map<const void*, Known>& kernels() {
  static auto* known = new std::unordered_map<const void*, Known>;
  return *known;
}

uint64_t volume(const dim3& d) { return uint64_t{d.x} * d.y * d.z; }

/// Why CUDA refuses a launch; empty where it doesn't.
std::string problem_of(const cudaLaunchConfig_t& c) {
  const auto text = [](const dim3& d) {
    return std::to_string(d.x) + " x " + std::to_string(d.y) + " x " + std::to_string(d.z);
  };
  if (volume(c.blockDim) == 0 || volume(c.blockDim) > 1024 || c.blockDim.z > 64)
    return "a block of " + text(c.blockDim) + " threads; 1 to 1024 are allowed, 64 along z";
  if (volume(c.gridDim) == 0 || c.gridDim.x > 0x7fffffff || c.gridDim.y > 65535 ||
      c.gridDim.z > 65535)
    return "a grid of " + text(c.gridDim) +
           " blocks; 1 to 2^31-1 are allowed along x, to 65535 along y and z";
  return {};
}

void see_pointer(void* context, int index, const void* pointer) {
  auto& problem = *static_cast<std::string*>(context);
  if (!pointer || memory().is_device(pointer) || pinned().holds(pointer, 1) || !problem.empty())
    return;
  problem = "argument " + std::to_string(index) + " is a pointer to host memory";
}

std::shared_ptr<void> pack(const Signature& signature, void** args) {
  std::shared_ptr<void> packed(::operator new(signature.bytes),
                               [](void* p) { ::operator delete(p); });
  signature.pack(packed.get(), args);
  return packed;
}

cudaError_t launch(const cudaLaunchConfig_t& config, const void* kernel, void** args) {
  const auto found = kernels().find(kernel);
  if (found == kernels().end()) return cudaErrorInvalidDeviceFunction;
  if (!settings().image) return cudaErrorNoKernelImageForDevice;
  Known& known = found->second;
  const auto refuse = [&](cudaError_t error, const std::string& what) {
    report("a launch is refused: " + what + "\n  kernel " + function_name(kernel));
    return error;
  };
  if (const std::string what = problem_of(config); !what.empty())
    return refuse(cudaErrorInvalidConfiguration, what);
  if (config.dynamicSmemBytes > known.dynamic_shared)
    return refuse(cudaErrorInvalidValue, std::to_string(config.dynamicSmemBytes) +
                                             " bytes of dynamic shared memory; " +
                                             std::to_string(known.dynamic_shared) +
                                             " are allowed: cudaFuncSetAttribute raises that");
  Stream* stream = streams().find(config.stream);
  if (!stream) return cudaErrorInvalidResourceHandle;
  Launch made{kernel,
              known.signature,
              pack(*known.signature, args),
              config.gridDim,
              config.blockDim,
              config.dynamicSmemBytes,
              known.dynamic_shared > kStaticSharedBytes ? kSharedBytes : kStaticSharedBytes};
  std::string problem;
  made.signature->pointers(made.arguments.get(), see_pointer, &problem);
  if (!problem.empty()) {
    report(problem + "\n  kernel " + function_name(kernel));
    return cudaErrorInvalidValue;
  }
  ++known.launches[{volume(config.blockDim), config.dynamicSmemBytes}];
  streams().enqueue(
      stream,
      [made] {
        const Memory::Access access;
        return run(made);
      },
      true);
  return cudaSuccess;
}

}  // namespace

void declare(const void* kernel, const Signature& signature) {
  const std::scoped_lock held(lock());
  kernels()[kernel].signature = &signature;
}

void write_launched_kernels(const char* path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path, "w"), std::fclose);
  for (const auto& [kernel, known] : kernels())
    for (const auto& [block, launches] : known.launches)
      if (Dl_info info; file && dladdr(kernel, &info))
        std::fprintf(
            file.get(), "%tx %lld %llu %zu\n",
            static_cast<const std::byte*>(kernel) - static_cast<const std::byte*>(info.dli_fbase),
            static_cast<long long>(launches), static_cast<unsigned long long>(block.first),
            block.second);
}

}  // namespace simt

using namespace simt;

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* kernel, void** args) {
  return api("cudaLaunchKernelExC", [&] { return simt::launch(*config, kernel, args); });
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void*) {
  return api("cudaFuncGetAttributes", [&] {
    if (!settings().image) return cudaErrorNoKernelImageForDevice;
    *attributes = {};
    attributes->maxThreadsPerBlock = 1024;
    return cudaSuccess;
  });
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  return api("cudaFuncSetAttribute", [&] {
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
    if (value < 0 || static_cast<size_t>(value) > kSharedBytes) return cudaErrorInvalidValue;
    kernels()[kernel].dynamic_shared = static_cast<size_t>(value);
    return cudaSuccess;
  });
}
