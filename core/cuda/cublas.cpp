#include "core/cuda/cublas.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <limits>

#include <fmt/format.h>

#include "core/error.h"

namespace cairn {
namespace {

constexpr const char* kNames[] = {"libcublas.so.13", "libcublas.so.12", "libcublas.so"};
constexpr char kHint[] = "install cuBLAS, or name its folder in CAIRN_CUDA_LIBS";

void* open_library() {
  const char* folder = std::getenv("CAIRN_CUDA_LIBS");
  for (const char* name : kNames) {
    if (folder)
      if (void* library = dlopen(fmt::format("{}/{}", folder, name).c_str(), RTLD_NOW))
        return library;
    if (void* library = dlopen(name, RTLD_NOW)) return library;
  }
  fail(fmt::format("cuBLAS can't be opened: {}", dlerror()), kHint);
}

int int32_size(int64_t size) {
  if (size > std::numeric_limits<int>::max())
    fail(fmt::format("a matrix of size {} is too large for cuBLAS", size),
         "choose a smaller batch");
  return static_cast<int>(size);
}

}  // namespace

template <class F>
F* Cublas::symbol(const char* name) {
  void* found = dlsym(library_, name);
  if (!found) fail(fmt::format("cuBLAS has no function {}", name), kHint);
  return reinterpret_cast<F*>(found);
}

Cublas::Cublas(cudaStream_t stream) : library_(open_library()) {
  destroy_ = symbol<decltype(cublasDestroy_v2)>("cublasDestroy_v2");
  sgemm_ = symbol<decltype(cublasSgemm_v2)>("cublasSgemm_v2");
  check(symbol<decltype(cublasCreate_v2)>("cublasCreate_v2")(&handle_), "cublasCreate");
  check(symbol<decltype(cublasSetStream_v2)>("cublasSetStream_v2")(handle_, stream),
        "cublasSetStream");
}

Cublas::~Cublas() {
  if (handle_ && destroy_(handle_) != CUBLAS_STATUS_SUCCESS)
    std::fprintf(stderr, "cairn: cublasDestroy failed\n");
}

void Cublas::check(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  using StatusName = decltype(cublasGetStatusName);
  static_cast<void>(cudaGetLastError());
  fail(fmt::format("{} failed: {}", call, symbol<StatusName>("cublasGetStatusName")(status)));
}

void Cublas::gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k,
                  const float* a, int64_t lda, const float* b, int64_t ldb, float beta, float* c,
                  int64_t ldc) {
  if (m == 0 || n == 0) return;
  // cuBLAS is column-major: a row-major C = A B is its C' = B' A'.
  const float one = 1;
  check(sgemm_(handle_, transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N,
               transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N, int32_size(n), int32_size(m), int32_size(k),
               &one, b, int32_size(ldb), a, int32_size(lda), &beta, c, int32_size(ldc)),
        "cublasSgemm");
}

Cublas& cublas(CudaContext& context) {
  if (!context.cublas) fail("this op needs cuBLAS, which could not be opened", kHint);
  return *context.cublas;
}

}  // namespace cairn
