#include "core/device.h"

#include <sys/mman.h>

#include <algorithm>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>

#include <fmt/format.h>

#include "core/error.h"
#include "core/simd.h"
#include "core/thread_pool.h"

namespace cairn {
namespace {

constexpr size_t kAlignment = 256, kHugePage = size_t{2} << 20;
#ifdef CAIRN_SIMT
constexpr bool kEmulated = true;  // docs/simt.md: to check kernels, never the fastest device
#else
constexpr bool kEmulated = false;
#endif

class CpuDevice : public Device {
 public:
  CpuDevice(DeviceKind kind, int threads) : kind_(kind), pool_(threads) {}

  DeviceKind kind() const override { return kind_; }

  std::string description() const override {
    const int n = pool_.threads();
    const std::string threads = fmt::format("{} thread{}", n, n == 1 ? "" : "s");
    return kind_ == DeviceKind::reference ? fmt::format("reference ({})", threads)
                                          : fmt::format("cpu ({}, {})", threads, simd_target());
  }

  void* allocate(size_t bytes) override {
    const size_t alignment = bytes < kHugePage ? kAlignment : kHugePage;
    void* data = nullptr;
    if (posix_memalign(&data, alignment, std::max<size_t>(bytes, 1)) != 0)
      fail_out_of_memory(*this, bytes);
    // Kernels walk many planes at once: more pages of 4 KB than a core translates without a search.
    madvise(data, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
    return data;
  }
  void release(void* data) noexcept override { std::free(data); }
  void upload(void* to, const void* from, size_t bytes) override {
    if (bytes) std::memcpy(to, from, bytes);
  }
  void download(void* to, const void* from, size_t bytes) override { upload(to, from, bytes); }
  void clear(void* data, size_t bytes) override {
    if (bytes) std::memset(data, 0, bytes);
  }
  /// What the kernel counts as available, caches that it can drop included.
  int64_t free_bytes() override {
    int64_t kilobytes = 0;
    if (std::FILE* file = std::fopen("/proc/meminfo", "r")) {
      char line[128];
      while (std::fgets(line, sizeof line, file) &&
             std::sscanf(line, "MemAvailable: %" SCNd64, &kilobytes) != 1) {
      }
      std::fclose(file);
    }
    return kilobytes * 1024;
  }
  void synchronize() override {}
  void call(const OpDef& op, DType real, const Args& args) override {
    cpu_kernel(op, kind_, real)(args);
  }
  ThreadPool* pool() override { return &pool_; }

 private:
  DeviceKind kind_;
  ThreadPool pool_;
};

int cuda_index(const std::string& spec) {
  if (spec == "cuda") return 0;
  int index = -1;
  const char* begin = spec.data() + 5;
  const auto [end, error] = std::from_chars(begin, spec.data() + spec.size(), index);
  if (error != std::errc{} || end != spec.data() + spec.size() || index < 0)
    fail_usage(fmt::format("'{}' names no device", spec), "write cuda or cuda:0");
  return index;
}

}  // namespace

void fail_out_of_memory(Device& device, size_t asked) {
  constexpr double kMegabyte = 1e6;
  throw OutOfMemory(fmt::format("out of memory on {}: {:.1f} MB were asked for, {:.1f} MB are free",
                                device.description(), static_cast<double>(asked) / kMegabyte,
                                static_cast<double>(device.free_bytes()) / kMegabyte),
                    "choose a smaller batch", SourceLocation::current());
}

std::string Device::set_conv(const ConvChoice& choice) {
  check_conv(choice.algorithm);
  if (choice.algorithm != "im2col")
    fail_usage(
        fmt::format("--conv {} is for CUDA; this runs on {}", choice.algorithm, description()),
        "leave it out, or give --device cuda");
  check_batch_norm(choice.batch_norm);
  if (choice.batch_norm != "own")
    fail_usage(fmt::format("--batch-norm {} is for CUDA; this runs on {}", choice.batch_norm,
                           description()),
               "leave it out, or give --device cuda");
  return {};
}

KernelFn cpu_kernel(const OpDef& op, DeviceKind kind, DType real) {
  if (real == DType::f64) return op.reference.f64;
  if (kind == DeviceKind::cpu && op.cpu) return op.cpu;
  return op.reference.f32;
}

std::unique_ptr<Device> open_device(const std::string& spec, int threads, std::string* note) {
  constexpr int kMaxThreads = 1024;
  if (threads < 0 || threads > kMaxThreads)
    fail_usage(fmt::format("{} threads can't be had", threads),
               fmt::format("give a number from 1 to {}", kMaxThreads));
  if (threads == 0) threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  if (spec == "reference") return std::make_unique<CpuDevice>(DeviceKind::reference, threads);
  if (spec == "cpu") return std::make_unique<CpuDevice>(DeviceKind::cpu, threads);
  if (spec == "cuda" || spec.starts_with("cuda:")) return open_cuda(cuda_index(spec));
  if (spec == "auto") {
    const std::string reason =
        kEmulated ? "its CUDA runs on the CPU, for --device cuda" : why_no_cuda();
    if (reason.empty()) return open_cuda(0);
    if (note) *note = reason;
    return std::make_unique<CpuDevice>(DeviceKind::cpu, threads);
  }
  fail_usage(fmt::format("'{}' names no device", spec),
             "use reference, cpu, cuda, cuda:INDEX or auto");
}

}  // namespace cairn
