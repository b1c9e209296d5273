// cuBLAS, opened at run time: a machine without it loses the ops that need it, and gets one clear
// error.
#pragma once

#include <cublas_v2.h>

#include <memory>
#include <string>

#include "core/cuda/context.h"

namespace cairn {

/// The functions that Cairn uses, and a handle bound to one stream. Float32 products stay float32:
/// no TF32.
class Cublas {
 public:
  /// Looks for the library in the folder $CAIRN_CUDA_LIBS, then where the loader looks. An Error
  /// says what was tried.
  explicit Cublas(cudaStream_t stream);
  ~Cublas();
  Cublas(const Cublas&) = delete;
  Cublas& operator=(const Cublas&) = delete;

  /// C[m,n] = op(A) op(B) + beta C for row-major matrices, op(A) m x k and op(B) k x n. lda, ldb
  /// and ldc are the row lengths in memory. Sizes must fit int32.
  void gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float* a,
            int64_t lda, const float* b, int64_t ldb, float beta, float* c, int64_t ldc);

 private:
  template <class F>
  F* symbol(const char* name);
  void check(cublasStatus_t status, const char* call);

  void* library_ = nullptr;
  cublasHandle_t handle_ = nullptr;
  decltype(&cublasDestroy_v2) destroy_ = nullptr;
  decltype(&cublasSgemm_v2) sgemm_ = nullptr;
};

/// The context's cuBLAS; an Error where it could not be opened.
Cublas& cublas(CudaContext& context);

}  // namespace cairn
