// cuBLAS, opened at run time, and the one product that we take from it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/cuda/context.h"

namespace cairn {

/// What `cairn doctor` tells of a library: either where it is, or why it can't be used.
struct CudaLibraryFact {
  std::string version = {}, path = {}, problem = {};
};

/// The library (core/dynamic_library.h), and a handle that works on one stream. One that is missing
/// or doesn't start is no failure until the first product, which throws an Error with the reason
/// and a hint.
class Cublas {
 public:
  /// Takes 32 MiB of device memory as the library's workspace, so that products never allocate and
  /// sum in the same order every time.
  explicit Cublas(cudaStream_t stream);
  ~Cublas();

  /// For the products that follow: whether factors may be cut down to TF32's 11 digits.
  void allow_tensor_cores(bool allowed);

  /// Looks for it. Needs no device.
  static CudaLibraryFact find();

  struct Library;
  /// The opened library; throws where it could not be opened.
  const Library& library() const;

 private:
  std::unique_ptr<Library> library_;
};

/// C = alpha op(A) op(B) + beta C, in float32 (TF32 where allow_tensor_cores), for dense row-major
/// matrices on the device: op(A) is m x k, op(B) k x n, C m x n; op transposes where trans_ is set;
/// ld is the distance from one stored row to the next. C is not read where beta is 0. Enqueued on
/// the context's stream. Throws where a size does not fit cuBLAS's 32 bits.
void gemm(CudaContext& context, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k,
          float alpha, const float* a, int64_t lda, const float* b, int64_t ldb, float beta,
          float* c, int64_t ldc);

}  // namespace cairn
