// For the libraries that stand in for cuBLAS and cuDNN: how they work on a stream.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <initializer_list>

namespace simt {

/// Part of device memory that a library call reads or writes.
struct Operand {
  const void* data;
  size_t bytes;
  bool writes;
};

/// Enqueues a library's work. When it runs, a report and an error follow where an operand is not in
/// live device memory.
cudaError_t enqueue(const char* name, cudaStream_t stream, std::initializer_list<Operand> operands,
                    std::function<void()> work);

}  // namespace simt
