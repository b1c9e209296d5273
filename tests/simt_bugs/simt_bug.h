// What the seeded bugs have in common: each file NAME.cu exports its two programs as NAME, a
// SimtBug.
//
// Comments at the top of a file say what simt_bugs_test.py looks for in the bug's output:
//
//   caught: TEXT             in every build
//   caught by BUILD: TEXT    `checker`, `asan`, or `plain`: neither of them
//   kernel: NAME             the kernel that is to blame
//
// and the line that bears `// BUG` must be named, unless the text is "wrong values". A build that
// no comment speaks of needn't catch the bug.
#pragma once

#include <cstddef>
#include <vector>

#include "core/cuda/launch.h"
#include "tests/simt_bugs/table.h"

namespace cairn {

/// Device memory, freed with the object.
template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(size_t count) : count_(count) {
    check(cudaMalloc(reinterpret_cast<void**>(&data_), bytes()));
  }
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) {
    check(cudaMemcpy(data_, values.data(), bytes(), cudaMemcpyHostToDevice));
  }
  ~DeviceArray() { log_failure(cudaFree(data_), "cudaFree"); }
  DeviceArray(const DeviceArray&) = delete;

  T* data() const { return data_; }
  size_t bytes() const { return count_ * sizeof(T); }
  std::vector<T> values() const {
    std::vector<T> all(count_);
    check(cudaMemcpy(all.data(), data_, bytes(), cudaMemcpyDeviceToHost));
    return all;
  }

 private:
  T* data_ = nullptr;
  size_t count_;
};

/// Pinned host memory, freed with the object.
class PinnedArray {
 public:
  explicit PinnedArray(size_t count) : count_(count) {
    check(cudaMallocHost(reinterpret_cast<void**>(&data_), bytes()));
  }
  ~PinnedArray() { log_failure(cudaFreeHost(data_), "cudaFreeHost"); }
  PinnedArray(const PinnedArray&) = delete;

  float* data() const { return data_; }
  size_t bytes() const { return count_ * sizeof(float); }

 private:
  float* data_ = nullptr;
  size_t count_;
};

/// A stream that doesn't wait for the legacy stream.
class OwnStream {
 public:
  OwnStream() { check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }
  ~OwnStream() { log_failure(cudaStreamDestroy(stream_), "cudaStreamDestroy"); }
  OwnStream(const OwnStream&) = delete;
  operator cudaStream_t() const { return stream_; }
  void wait() const { check(cudaStreamSynchronize(stream_)); }

 private:
  cudaStream_t stream_ = nullptr;
};

inline void wait_for_device(SourceLocation where = SourceLocation::current()) {
  check(cudaDeviceSynchronize(), where);
}

inline void expect_right(bool right, SourceLocation where = SourceLocation::current()) {
  if (!right) fail("wrong values", {}, where);
}

template <class T>
std::vector<T> counted(size_t count, T first = 1) {
  std::vector<T> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<T>(first + static_cast<T>(i));
  return values;
}

}  // namespace cairn
