// The CUDA runtime's functions for devices and memory; stream_api.cpp has the others.
#include <cuda_runtime_api.h>

#include <cstdio>
#include <cstring>

#include "simt/api.h"
#include "simt/checker.h"
#include "simt/fault.h"
#include "simt/memory.h"

using namespace simt;

namespace {

thread_local int current_device = 0;

/// What is wrong with a device's or a pinned range; "" where all is well.
std::string problem_of(const void* address, size_t bytes, bool device) {
  if (device != memory().is_device(address))
    return device ? "host memory where device memory belongs"
                  : "device memory where host memory belongs";
  return device ? memory().problem(address, bytes) : "";
}

cudaError_t bad_range(const char* call, const std::string& problem, size_t bytes, const void* by) {
  report(std::string(call) + " of " + std::to_string(bytes) + " bytes: " + problem + "\n  at " +
         describe_code(by));
  return cudaErrorInvalidValue;
}

struct Copy {
  void* to;
  const void* from;
  size_t bytes;
  bool to_device = false, from_device = false;
};

bool of_kind(Copy& copy, cudaMemcpyKind kind) {
  copy.to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  copy.from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (kind == cudaMemcpyDefault) {
    copy.to_device = memory().is_device(copy.to);
    copy.from_device = memory().is_device(copy.from);
  }
  return kind >= cudaMemcpyHostToHost && kind <= cudaMemcpyDefault;
}

std::string problem_of(const Copy& copy) {
  if (std::string p = problem_of(copy.to, copy.bytes, copy.to_device); !p.empty())
    return "it writes to " + p;
  if (std::string p = problem_of(copy.from, copy.bytes, copy.from_device); !p.empty())
    return "it reads " + p;
  return {};
}

cudaError_t carry_out(const Copy& copy, const void* by) {
  if (std::string p = problem_of(copy); !p.empty()) return bad_range("copy", p, copy.bytes, by);
  pinned().end_copy(copy.from_device ? copy.to : copy.from, copy.bytes, copy.from_device);
  const Memory::Access access;
  std::memmove(copy.to, copy.from, copy.bytes);
  if (copy.to_device && copy.from_device)
    checker().copied(copy.to, copy.from, copy.bytes);
  else if (copy.to_device)
    checker().defined(copy.to, copy.bytes);
  return cudaSuccess;
}

cudaError_t copy_async(Copy copy, cudaMemcpyKind kind, Stream* stream, const void* by) {
  if (!of_kind(copy, kind)) return cudaErrorInvalidMemcpyDirection;
  if (std::string p = problem_of(copy); !p.empty()) return bad_range("copy", p, copy.bytes, by);
  if (copy.bytes == 0) return cudaSuccess;
  const void* host = copy.from_device ? copy.to : copy.from;
  const bool both = copy.to_device && copy.from_device;
  if (!both && !pinned().holds(host, copy.bytes)) {  // staged by the driver: done when it returns
    if (stream->capture) return cudaErrorStreamCaptureUnsupported;
    streams().enqueue(
        stream, [copy, by] { return carry_out(copy, by); });  // after what the stream waits for
    streams().drain(stream);
    return cudaSuccess;
  }
  if (!both && !stream->capture) pinned().begin_copy(host, copy.bytes, copy.from_device);
  streams().enqueue(stream, [copy, by] { return carry_out(copy, by); });
  return cudaSuccess;
}

}  // namespace

// Devices.

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 0;
  return api("cudaGetDeviceCount", [&] {
    *count = settings().devices;
    return cudaSuccess;
  });
}

cudaError_t cudaDriverGetVersion(int* version) {
  return api("cudaDriverGetVersion", Call::queries, [&] {
    *version = settings().driver;
    return cudaSuccess;
  });
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  return api("cudaRuntimeGetVersion", Call::queries, [&] {
    *version = CUDART_VERSION;
    return cudaSuccess;
  });
}

cudaError_t cudaSetDevice(int device) {
  return api("cudaSetDevice", [&] {
    if (device < 0 || device >= settings().devices) return cudaErrorInvalidDevice;
    current_device = device;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDevice(int* device) {
  return api("cudaGetDevice", [&] {
    *device = current_device;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int device) {
  return api("cudaGetDeviceProperties", [&] {
    if (device < 0 || device >= settings().devices) return cudaErrorInvalidDevice;
    *p = {};
    std::snprintf(p->name, sizeof p->name, "SIMT on the CPU");
    p->totalGlobalMem = static_cast<size_t>(settings().memory);
    p->major = settings().arch / 10;
    p->minor = settings().arch % 10;
    p->warpSize = 32;
    p->maxThreadsPerBlock = 1024;
    p->multiProcessorCount = 1;
    p->maxThreadsPerMultiProcessor = 2048;
    p->sharedMemPerBlock = size_t{48} << 10;
    p->sharedMemPerBlockOptin = size_t{227} << 10;
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceSynchronize() {
  return api("cudaDeviceSynchronize", [] {
    if (const cudaError_t forbidden = waits(); forbidden != cudaSuccess) return forbidden;
    streams().drain_all();
    return cudaSuccess;
  });
}

// Memory.

cudaError_t cudaMalloc(void** data, size_t bytes) {
  *data = nullptr;
  const void* by = __builtin_return_address(0);
  return api("cudaMalloc", [&] {
    if (const cudaError_t forbidden = waits(); forbidden != cudaSuccess) return forbidden;
    if (bytes == 0) return cudaSuccess;
    *data = memory().allocate(bytes, by);
    return *data ? cudaSuccess : cudaErrorMemoryAllocation;
  });
}

cudaError_t cudaFree(void* data) {
  const void* by = __builtin_return_address(0);
  return api("cudaFree", Call::releases, [&] {
    if (!data) return cudaSuccess;
    if (const cudaError_t forbidden = waits(); forbidden != cudaSuccess) return forbidden;
    streams().drain_all();
    if (memory().release(data)) return cudaSuccess;
    return bad_range("cudaFree", "the address is no live allocation's", 0, by);
  });
}

cudaError_t cudaMallocHost(void** data, size_t bytes) {
  *data = nullptr;
  return api("cudaMallocHost", [&] {
    if (bytes == 0) return cudaSuccess;
    *data = pinned().allocate(bytes);
    return *data ? cudaSuccess : cudaErrorMemoryAllocation;
  });
}

cudaError_t cudaFreeHost(void* data) {
  return api("cudaFreeHost", Call::releases, [&] {
    if (!data) return cudaSuccess;
    streams().drain_all();
    return pinned().release(data) ? cudaSuccess : cudaErrorInvalidValue;
  });
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  return api("cudaMemGetInfo", [&] {
    *free = memory().free_bytes();
    *total = static_cast<size_t>(settings().memory);
    return cudaSuccess;
  });
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t handle) {
  const void* by = __builtin_return_address(0);
  return with_stream("cudaMemcpyAsync", handle, [&](Stream* stream) {
    return copy_async({to, from, bytes}, kind, stream, by);
  });
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  const void* by = __builtin_return_address(0);
  return with_stream("cudaMemcpy", nullptr, [&](Stream* stream) {
    if (const cudaError_t forbidden = waits(); forbidden != cudaSuccess) return forbidden;
    const cudaError_t result = copy_async({to, from, bytes}, kind, stream, by);
    streams().drain(stream);
    return result;
  });
}

cudaError_t cudaMemsetAsync(void* data, int value, size_t bytes, cudaStream_t handle) {
  const void* by = __builtin_return_address(0);
  return with_stream("cudaMemsetAsync", handle, [&](Stream* stream) {
    const auto fill = [=] {
      if (std::string p = problem_of(data, bytes, true); !p.empty())
        return bad_range("cudaMemset", "it writes to " + p, bytes, by);
      const Memory::Access access;
      std::memset(data, value, bytes);
      checker().defined(data, bytes);
      return cudaSuccess;
    };
    if (std::string p = problem_of(data, bytes, true); !p.empty())
      return bad_range("cudaMemset", "it writes to " + p, bytes, by);
    streams().enqueue(stream, fill);
    return cudaSuccess;
  });
}

cudaError_t cudaMemset(void* data, int value, size_t bytes) {
  return cudaMemsetAsync(data, value, bytes, nullptr);
}
