// In place of cuBLAS: the functions that the project calls, over OpenBLAS on one thread.
#include <cblas.h>
#include <cublas_v2.h>

#include <algorithm>
#include <bit>
#include <vector>

#include "simt/library.h"

struct cublasContext {
  cudaStream_t stream = nullptr;
  bool tf32 = false;
};

cublasStatus_t cublasGetProperty(libraryPropertyType type, int* value) {
  *value = type == MAJOR_VERSION   ? CUBLAS_VER_MAJOR
           : type == MINOR_VERSION ? CUBLAS_VER_MINOR
                                   : CUBLAS_VER_PATCH;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  openblas_set_num_threads(1);  // its sums depend on the number of threads
  *handle = new cublasContext;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t, void*, size_t) {
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t math) {
  handle->tf32 = math == CUBLAS_TF32_TENSOR_OP_MATH;
  return CUBLAS_STATUS_SUCCESS;
}

namespace {

/// As tensor cores see them: 11 digits of 24, the others cut off.
std::vector<float> as_tf32(const simt::Operand& of) {
  const auto* data = static_cast<const float*>(of.data);
  std::vector<float> values(data, data + of.bytes / sizeof(float));
  for (float& value : values)
    value = std::bit_cast<float>(std::bit_cast<uint32_t>(value) & 0xFFFFE000);
  return values;
}

}  // namespace

cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t trans_a,
                              cublasOperation_t trans_b, int m, int n, int k, const float* alpha,
                              const float* a, int lda, const float* b, int ldb, const float* beta,
                              float* c, int ldc) {
  const bool ta = trans_a != CUBLAS_OP_N, tb = trans_b != CUBLAS_OP_N;
  if (m < 0 || n < 0 || k < 0 || lda < std::max(1, ta ? k : m) || ldb < std::max(1, tb ? n : k) ||
      ldc < std::max(1, m))
    return CUBLAS_STATUS_INVALID_VALUE;
  if (m == 0 || n == 0) return CUBLAS_STATUS_SUCCESS;
  // Columns lie `ld` apart; the last one ends with its last row.
  const auto bytes = [](int rows, int columns, int ld) {
    return rows && columns
               ? sizeof(float) * (static_cast<size_t>(ld) * static_cast<size_t>(columns - 1) +
                                  static_cast<size_t>(rows))
               : 0;
  };
  const simt::Operand operands[] = {{a, bytes(ta ? k : m, ta ? m : k, lda), false},
                                    {b, bytes(tb ? n : k, tb ? k : n, ldb), false},
                                    {c, bytes(m, n, ldc), true}};
  const auto work = [=, first = operands[0], second = operands[1], tf32 = handle->tf32,
                     alpha = *alpha, beta = *beta] {
    const auto product = [=](const float* left, const float* right) {
      cblas_sgemm(CblasColMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m,
                  n, k, alpha, left, lda, right, ldb, beta, c, ldc);
    };
    tf32 ? product(as_tf32(first).data(), as_tf32(second).data()) : product(a, b);
  };
  const cudaError_t result =
      k > 0 ? simt::enqueue("cublasSgemm", handle->stream, {operands[0], operands[1], operands[2]},
                            work)
            : simt::enqueue("cublasSgemm", handle->stream, {operands[2]}, work);
  return result == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

const char* cublasGetStatusName(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    default:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
  }
}

const char* cublasGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "success";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "an unsupported value or parameter was passed to the function";
    default:
      return "the GPU program failed to execute";
  }
}
