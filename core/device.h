// Where kernels run and where memory lies: reference, cpu or cuda.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/conv_choice.h"
#include "core/op.h"

namespace cairn {

enum class DeviceKind : uint8_t { reference, cpu, cuda };

/// Work that was recorded, to be enqueued again and again.
class Replay {
 public:
  virtual ~Replay() = default;
  virtual void run() = 0;
  /// What it enqueues: kernels, copies and clears.
  virtual int64_t launches() const = 0;
};

/// A place to run. Copies are ordered with the kernels of `call`, and the host's side of them is
/// done when they return; failed calls throw Error.
class Device {
 public:
  virtual ~Device() = default;

  virtual DeviceKind kind() const = 0;
  /// For people: "cpu (2 threads, AVX3)", "cuda:0 (NVIDIA H100)".
  virtual std::string description() const = 0;

  /// Aligned to 256 bytes, contents undefined. Throws OutOfMemory.
  virtual void* allocate(size_t bytes) = 0;
  virtual void release(void* data) noexcept = 0;
  virtual void upload(void* to, const void* from, size_t bytes) = 0;
  /// Copies after the kernels enqueued so far, beside those that are enqueued before the next call
  /// or upload(); the ones after that see the data.
  virtual void upload_ahead(void* to, const void* from, size_t bytes) { upload(to, from, bytes); }
  virtual void download(void* to, const void* from, size_t bytes) = 0;
  /// Bytes that nobody uses: an estimate, since others take memory too.
  virtual int64_t free_bytes() = 0;
  /// Ordered with the kernels of `call`; does not wait.
  virtual void clear(void* data, size_t bytes) = 0;
  virtual void synchronize() = 0;
  /// Runs, or enqueues, one kernel.
  virtual void call(const OpDef& op, DType real, const Args& args) = 0;
  /// Chooses how convolutions and batch norm are computed, before the first one. Only CUDA has a
  /// choice: others throw a UsageError for all but im2col and `own`. The result says what could not
  /// be had, or is empty.
  virtual std::string set_conv(const ConvChoice& choice);
  /// The choice, with what `auto` has found so far.
  virtual ConvChoice conv() const { return {}; }
  /// Whether products may go to tensor cores, which cut float32 factors down to 11 digits: nothing
  /// is lost where these are bfloat16 (core/mixed.h). For the calls that follow; only CUDA has
  /// them.
  virtual void allow_tensor_cores(bool allowed) { static_cast<void>(allowed); }
  /// Records what enqueue(context) enqueues, which does not run yet. nullptr, and nothing called,
  /// where the device runs kernels at once.
  virtual std::unique_ptr<Replay> record(void (*enqueue)(void*), void* context) {
    static_cast<void>(enqueue), static_cast<void>(context);
    return nullptr;
  }
  /// Threads of a CPU device; nullptr elsewhere.
  virtual ThreadPool* pool() { return nullptr; }
};

/// Opens "reference", "cpu", "cuda", "cuda:1" or "auto". auto takes CUDA where a device answers,
/// else the CPU; `note`, where given, receives one line that says why CUDA was left out. `threads`
/// (CPU) may exceed the cores; 0 takes them all.
std::unique_ptr<Device> open_device(const std::string& spec, int threads,
                                    std::string* note = nullptr);

/// Throws OutOfMemory: what was asked of the device and what is free.
[[noreturn]] void fail_out_of_memory(Device& device, size_t asked);

/// The kernel of an op for a CPU device: the fast one where the op has one and real is f32, else
/// the reference.
KernelFn cpu_kernel(const OpDef& op, DeviceKind kind, DType real);

// One of core/cuda_off.cpp and core/cuda/device.cpp, by build:
/// What this build and this machine have of CUDA, for `cairn doctor`.
struct CudaFact {
  std::string what, found;
  std::string advice;  // empty where all is well
};
std::vector<CudaFact> cuda_facts();
/// Why CUDA can't be used here; empty where a device answers.
std::string why_no_cuda();
std::unique_ptr<Device> open_cuda(int index);

/// Device memory that somebody owns. Move-only; an empty buffer owns nothing.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Device& device, size_t bytes)
      : device_(&device), data_(bytes ? device.allocate(bytes) : nullptr), bytes_(bytes) {}
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Buffer() {
    if (data_) device_->release(data_);
  }

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  void swap(Buffer& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
  }

  Device* device_ = nullptr;
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace cairn
