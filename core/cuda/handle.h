// Owners of CUDA objects.
#pragma once

#include <cuda_runtime.h>

#include <utility>

#include "core/cuda/check.h"

namespace cairn {

/// Owns an H that Destroy ends. Move-only; an empty handle owns nothing. A failed Destroy is
/// logged.
template <class H, auto Destroy>
class Handle {
 public:
  Handle() = default;
  explicit Handle(H handle) : handle_(handle) {}
  Handle(Handle&& other) noexcept : handle_(std::exchange(other.handle_, H{})) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Handle() {
    if (handle_) log_failure(Destroy(handle_), "releasing a CUDA object");
  }

  H get() const { return handle_; }
  explicit operator bool() const { return handle_ != H{}; }

 private:
  H handle_{};
};

using Stream = Handle<cudaStream_t, cudaStreamDestroy>;
using Event = Handle<cudaEvent_t, cudaEventDestroy>;

/// A stream that does not wait for the legacy default stream.
inline Stream make_stream() {
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return Stream(stream);
}

/// An event for ordering; with `timing` also for cudaEventElapsedTime.
inline Event make_event(bool timing = false) {
  cudaEvent_t event = nullptr;
  check(cudaEventCreateWithFlags(&event, timing ? cudaEventDefault : cudaEventDisableTiming));
  return Event(event);
}

}  // namespace cairn
