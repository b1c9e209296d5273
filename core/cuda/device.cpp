// The CUDA device: one card, one compute stream, one for copies.
#include "core/device.h"

#include <cuda_runtime.h>
#include <fmt/format.h>

#include <cstdlib>

#include "core/cuda/context.h"
#include "core/cuda/conv_chooser.h"
#include "core/cuda/cublas.h"
#include "core/cuda/graph.h"
#include "core/cuda/handle.h"
#include "core/cuda/probe.h"
#include "core/cuda/staging.h"
#include "core/error.h"

namespace cairn {
namespace {

std::string version_text(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

double megabytes(size_t bytes) { return static_cast<double>(bytes) * 1e-6; }

cudaDeviceProp properties_of(int index) {
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, index));
  return properties;
}

/// A word of device memory that begins as zero.
Handle<void*, cudaFree> make_counter(cudaStream_t stream) {
  void* data = nullptr;
  check(cudaMalloc(&data, sizeof(unsigned)));
  Handle<void*, cudaFree> counter(data);
  check(cudaMemsetAsync(data, 0, sizeof(unsigned), stream));
  return counter;
}

class CudaDevice : public Device {
 public:
  explicit CudaDevice(int index)
      : index_(on(index)),
        name_(properties_of(index).name),
        stream_(make_stream()),
        staging_(stream_.get()),
        cublas_(stream_.get()),
        conv_(stream_.get()),
        blocks_done_(make_counter(stream_.get())),
        context_{.stream = stream_.get(),
                 .cublas = &cublas_,
                 .conv = &conv_,
                 .blocks_done = static_cast<unsigned*>(blocks_done_.get())} {}

  ~CudaDevice() override {
    log_failure(cudaSetDevice(index_), "choosing the CUDA device");
    log_failure(cudaStreamSynchronize(stream_.get()), "work on the CUDA device");
  }

  DeviceKind kind() const override { return DeviceKind::cuda; }

  std::string description() const override { return fmt::format("cuda:{} ({})", index_, name_); }

  void* allocate(size_t bytes) override {
    on(index_);
    void* data = nullptr;
    const cudaError_t result = cudaMalloc(&data, bytes);
    if (result == cudaErrorMemoryAllocation) {
      static_cast<void>(cudaGetLastError());
      fail_out_of_memory(*this, bytes);
    }
    check(result);
    return data;
  }

  void release(void* data) noexcept override { log_failure(cudaFree(data), "freeing CUDA memory"); }

  int64_t free_bytes() override {
    on(index_);
    size_t free = 0, total = 0;
    check(cudaMemGetInfo(&free, &total));
    return static_cast<int64_t>(free);
  }

  void upload(void* to, const void* from, size_t bytes) override {
    if (!bytes) return;
    on(index_);
    staging_.upload(to, from, bytes);
  }

  void upload_ahead(void* to, const void* from, size_t bytes) override {
    if (!bytes) return;
    on(index_);
    staging_.upload_ahead(to, from, bytes);
  }

  void download(void* to, const void* from, size_t bytes) override {
    if (!bytes) return;
    on(index_);
    staging_.download(to, from, bytes);
  }

  void clear(void* data, size_t bytes) override {
    if (!bytes) return;
    on(index_);
    check(cudaMemsetAsync(data, 0, bytes, stream_.get()));
  }

  void synchronize() override {
    on(index_);
    check(cudaStreamSynchronize(stream_.get()));
  }

  void call(const OpDef& op, DType real, const Args& args) override {
    if (real != DType::f32)
      fail(fmt::format("{}: CUDA computes in float32 only", op.name), "use --device reference");
    on(index_);
    op.cuda(args, context_);
  }

  std::unique_ptr<Replay> record(void (*enqueue)(void*), void* context) override {
    if (!records_) return nullptr;
    on(index_);
    return std::make_unique<CudaReplay>(stream_.get(), enqueue, context);
  }

  std::string set_conv(const ConvChoice& choice) override {
    on(index_);
    return conv_.set(choice);
  }
  ConvChoice conv() const override { return conv_.choice(); }

  void allow_tensor_cores(bool allowed) override {
    on(index_);
    cublas_.allow_tensor_cores(allowed);
  }

 private:
  /// Makes a device the calling thread's current one; returns its index.
  static int on(int index) {
    check(cudaSetDevice(index));
    return index;
  }

  int index_;
  std::string name_;
  const bool records_ = !std::getenv("CAIRN_NO_CAPTURE");  // set it to see each kernel by itself
  Stream stream_;
  Staging staging_;
  Cublas cublas_;
  ConvChooser conv_;
  Handle<void*, cudaFree> blocks_done_;
  CudaContext context_;
};

/// Why there is no device at all; empty, and the number of devices in `count`, where there is one.
std::string why_no_device(int& count) {
  count = 0;
  int driver = 0;
  const cudaError_t asked = cudaDriverGetVersion(&driver);
  if (asked != cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    return "CUDA does not start: " + to_string(asked);
  }
  if (driver == 0) return "no NVIDIA driver is installed";
  const cudaError_t result = cudaGetDeviceCount(&count);
  if (result != cudaSuccess) static_cast<void>(cudaGetLastError());
  if (result == cudaErrorInsufficientDriver)
    return fmt::format("the NVIDIA driver serves CUDA {}, this build needs {}",
                       version_text(driver), version_text(CUDART_VERSION));
  if (result == cudaErrorNoDevice || (result == cudaSuccess && count == 0))
    return "no NVIDIA GPU answers";
  if (result != cudaSuccess) return "CUDA does not start: " + to_string(result);
  return {};
}

/// Why a device that exists can't be used; empty where it can. Leaves it the current one.
std::string why_not(int index) {
  if (const cudaError_t result = cudaSetDevice(index); result != cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    return fmt::format("cuda:{} does not start: {}", index, to_string(result));
  }
  const cudaError_t code = find_device_code();
  if (code == cudaSuccess) return {};
  if (code != cudaErrorNoKernelImageForDevice && code != cudaErrorInvalidDeviceFunction)
    return fmt::format("cuda:{} does not start: {}", index, to_string(code));
  const cudaDeviceProp properties = properties_of(index);
  return fmt::format("this build has code for {}, not for cuda:{} ({}, compute capability {}.{})",
                     CAIRN_CUDA_CODE, index, properties.name, properties.major, properties.minor);
}

CudaFact library_fact(const char* name, const CudaLibraryFact& found) {
  if (found.problem.empty()) return {name, fmt::format("{} ({})", found.version, found.path), ""};
  return {name, "not found",
          fmt::format("install it, or set CAIRN_CUDA_LIBS to its folder: {}", found.problem)};
}

}  // namespace

std::vector<CudaFact> cuda_facts() {
  int count = 0, driver = 0;
  const std::string reason = why_no_device(count);
  if (cudaDriverGetVersion(&driver) != cudaSuccess) static_cast<void>(cudaGetLastError());
  std::vector<CudaFact> facts = {
      {"CUDA code",
       fmt::format("toolkit {}, for {}", version_text(CUDART_VERSION), CAIRN_CUDA_CODE), ""},
      {"CUDA driver", driver == 0 ? "none" : "serves CUDA " + version_text(driver),
       reason.empty() ? "" : reason + ": use --device cpu, or install NVIDIA's driver"}};
  for (int i = 0; i < count; ++i) {
    const std::string problem = why_not(i);
    const cudaDeviceProp p = properties_of(i);
    facts.push_back({fmt::format("cuda:{}", i),
                     fmt::format("{}, compute capability {}.{}, {:.1f} GB", p.name, p.major,
                                 p.minor, 1e-3 * megabytes(p.totalGlobalMem)),
                     problem.empty() ? ""
                                     : fmt::format("{}: build with -DCAIRN_CUDA_ARCHS={}{}",
                                                   problem, p.major, p.minor)});
  }
  facts.push_back(library_fact("cuBLAS", Cublas::find()));
  facts.push_back(library_fact("cuDNN", Cudnn::find()));
  return facts;
}

std::string why_no_cuda() {
  int count = 0;
  const std::string reason = why_no_device(count);
  return reason.empty() ? why_not(0) : reason;
}

std::unique_ptr<Device> open_cuda(int index) {
  int count = 0;
  if (const std::string reason = why_no_device(count); !reason.empty())
    fail("CUDA can't be used: " + reason, "use --device cpu");
  if (index < 0 || index >= count)
    fail_usage(fmt::format("there is no cuda:{}", index),
               count == 1 ? "the only device is cuda:0"
                          : fmt::format("devices are cuda:0 to cuda:{}", count - 1));
  if (const std::string reason = why_not(index); !reason.empty())
    fail("CUDA can't be used: " + reason, "use --device cpu");
  return std::make_unique<CudaDevice>(index);
}

}  // namespace cairn
