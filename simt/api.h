// What every CUDA call has in common.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>
#include <mutex>

#include "simt/settings.h"
#include "simt/stream.h"

namespace simt {

/// One at a time: whichever host thread waits runs the device's work.
std::recursive_mutex& lock();

enum class Call : uint8_t {
  ordinary,
  releases,  // does its work even where it returns an earlier failure
  queries    // needs no device
};

/// Counts the call, makes it fail where fail_call() wants that, and keeps its result for
/// cudaGetLastError. Reports the error of a call before that nobody looked at.
cudaError_t begin_call(const char* name, Call kind);
cudaError_t end_call(const char* name, cudaError_t result);

template <class Body>
cudaError_t api(const char* name, Call kind, const Body& body) {
  const std::scoped_lock held(lock());
  const cudaError_t before = begin_call(name, kind);
  if (before != cudaSuccess && kind != Call::releases) return end_call(name, before);
  const cudaError_t result = body();
  return end_call(name, before != cudaSuccess ? before : result);
}
template <class Body>
cudaError_t api(const char* name, const Body& body) {
  return api(name, Call::ordinary, body);
}

/// A call that needs the stream of a handle.
template <class Body>
cudaError_t with_stream(const char* name, cudaStream_t handle, const Body& body) {
  return api(name, [&] {
    Stream* stream = streams().find(handle);
    return stream ? body(stream) : cudaErrorInvalidResourceHandle;
  });
}

/// What cudaGetLastError and cudaPeekAtLastError return.
cudaError_t last_error(bool forget);
/// Reports an error that nobody asked for until the program's end.
void check_at_exit();

/// Waiting is forbidden while a stream is captured, and always for a stream that is `captured`.
cudaError_t waits(bool captured = false);

}  // namespace simt
