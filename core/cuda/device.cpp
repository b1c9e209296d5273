// The CUDA device: one stream, plain allocations, kernels enqueued in order.
#include "core/device.h"

#include <fmt/format.h>

#include "core/cuda/check.h"
#include "core/cuda/cublas.h"
#include "core/cuda/handle.h"
#include "core/error.h"

namespace cairn {
namespace {

class CudaDevice : public Device {
 public:
  explicit CudaDevice(int index) : index_(index) {
    check(cudaSetDevice(index_));
    stream_ = make_stream();
    context_.stream = stream_.get();
    try {
      cublas_ = std::make_unique<Cublas>(stream_.get());
      context_.cublas = cublas_.get();
    } catch (const Error& error) {
      std::fprintf(stderr, "cairn: %s; convolution and linear layers won't run\n", error.what());
    }
  }

  DeviceKind kind() const override { return DeviceKind::cuda; }

  std::string description() const override {
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, index_));
    return fmt::format("cuda:{} ({})", index_, properties.name);
  }

  void* allocate(size_t bytes) override {
    void* data = nullptr;
    const cudaError_t result = cudaMalloc(&data, bytes);
    if (result == cudaErrorMemoryAllocation) {
      static_cast<void>(cudaGetLastError());
      size_t free = 0, total = 0;
      check(cudaMemGetInfo(&free, &total));
      fail(fmt::format(
               "out of device memory: {:.1f} MB were asked for, {:.1f} of {:.1f} MB are free",
               static_cast<double>(bytes) * 1e-6, static_cast<double>(free) * 1e-6,
               static_cast<double>(total) * 1e-6),
           "choose a smaller batch");
    }
    check(result);
    return data;
  }

  void release(void* data) noexcept override { log_failure(cudaFree(data), "cudaFree"); }

  void upload(void* to, const void* from, size_t bytes) override {
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_.get()));
    synchronize();
  }

  void download(void* to, const void* from, size_t bytes) override {
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_.get()));
    synchronize();
  }

  void clear(void* data, size_t bytes) override {
    if (bytes) check(cudaMemsetAsync(data, 0, bytes, stream_.get()));
  }

  void synchronize() override { check(cudaStreamSynchronize(stream_.get())); }

  void call(const OpDef& op, DType real, const Args& args) override {
    if (real != DType::f32) fail("CUDA runs float32 only", "use --device reference for float64");
    op.cuda(args, context_);
  }

 private:
  int index_;
  Stream stream_;
  std::unique_ptr<Cublas> cublas_;
  CudaContext context_;
};

}  // namespace

std::string why_no_cuda() {
  int count = 0;
  const cudaError_t result = cudaGetDeviceCount(&count);
  if (result == cudaSuccess && count > 0) return {};
  static_cast<void>(cudaGetLastError());
  return result == cudaSuccess ? "no CUDA device was found"
                               : "no CUDA device: " + to_string(result);
}

std::unique_ptr<Device> open_cuda(int index) {
  const std::string reason = why_no_cuda();
  if (!reason.empty()) fail(reason, "check the driver with nvidia-smi, or use --device cpu");
  int count = 0;
  check(cudaGetDeviceCount(&count));
  if (index >= count)
    fail_usage(fmt::format("there is no device cuda:{}", index),
               fmt::format("{} were found", count));
  return std::make_unique<CudaDevice>(index);
}

}  // namespace cairn
