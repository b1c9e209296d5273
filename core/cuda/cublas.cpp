#include "core/cuda/cublas.h"

#include <cublas_v2.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <string>

#include "core/cuda/handle.h"
#include "core/dynamic_library.h"

namespace cairn {
namespace {

constexpr size_t kWorkspaceBytes = size_t{32}
                                   << 20;  // what NVIDIA advises for compute capability 9.0
constexpr const char* kCublasNames[] = {"libcublas.so.13", "libcublas.so.12", "libcublas.so"};

}  // namespace

CudaLibraryFact Cublas::find() {
  DynamicLibrary opened(kCublasNames);
  decltype(&cublasGetProperty) property = nullptr;
  opened.find(property, "cublasGetProperty");
  if (!property) return {.problem = opened.problem()};
  int major = 0, minor = 0;
  if (property(MAJOR_VERSION, &major) != CUBLAS_STATUS_SUCCESS ||
      property(MINOR_VERSION, &minor) != CUBLAS_STATUS_SUCCESS)
    return {.problem = opened.path() + " doesn't tell its version"};
  return {.version = fmt::format("{}.{}", major, minor), .path = opened.path()};
}

/// The functions that we need, under the header's own types.
struct Cublas::Library {
  decltype(&cublasCreate_v2) create = nullptr;
  decltype(&cublasDestroy_v2) destroy = nullptr;
  decltype(&cublasSetStream_v2) set_stream = nullptr;
  decltype(&cublasSetWorkspace_v2) set_workspace = nullptr;
  decltype(&cublasSetMathMode) set_math_mode = nullptr;
  decltype(&cublasSgemm_v2) sgemm = nullptr;
  decltype(&cublasGetStatusName) status_name = nullptr;
  decltype(&cublasGetStatusString) status_string = nullptr;

  DynamicLibrary opened{kCublasNames};
  cublasHandle_t handle = nullptr;
  Handle<void*, cudaFree> workspace;
  std::string problem;  // why it can't be used; empty where it can

  ~Library() {
    if (!handle) return;
    if (const cublasStatus_t result = destroy(handle); result != CUBLAS_STATUS_SUCCESS)
      std::fprintf(stderr, "cairn: closing cuBLAS failed: %s\n", status_name(result));
  }

  /// Finds every function, and the first problem with that.
  void find_functions() {
    opened.find(create, "cublasCreate_v2");
    opened.find(destroy, "cublasDestroy_v2");
    opened.find(set_stream, "cublasSetStream_v2");
    opened.find(set_workspace, "cublasSetWorkspace_v2");
    opened.find(set_math_mode, "cublasSetMathMode");
    opened.find(sgemm, "cublasSgemm_v2");
    opened.find(status_name, "cublasGetStatusName");
    opened.find(status_string, "cublasGetStatusString");
    problem = opened.problem();
  }

  /// As check() for the CUDA runtime.
  void check(cublasStatus_t result, SourceLocation where = SourceLocation::current()) const {
    if (result == CUBLAS_STATUS_SUCCESS) return;
    static_cast<void>(cudaGetLastError());
    fail(fmt::format("cuBLAS: {} ({})", status_name(result), status_string(result)), {}, where);
  }

  /// Makes the handle. The stream comes first: setting it takes the workspace away again.
  void start(cudaStream_t stream) {
    check(create(&handle));
    check(set_stream(handle, stream));
    void* memory = nullptr;
    cairn::check(cudaMalloc(&memory, kWorkspaceBytes));
    workspace = Handle<void*, cudaFree>(memory);
    check(set_workspace(handle, memory, kWorkspaceBytes));
    check(set_math_mode(handle, CUBLAS_DEFAULT_MATH));
  }
};

Cublas::Cublas(cudaStream_t stream) : library_(std::make_unique<Library>()) {
  library_->find_functions();
  if (!library_->problem.empty()) return;
  try {
    library_->start(stream);
  } catch (const Error& error) {
    library_->problem = error.what();
  }
}

Cublas::~Cublas() = default;

void Cublas::allow_tensor_cores(bool allowed) {
  const Library& library = *library_;
  if (!library.problem.empty()) return;
  const cublasMath_t mode = allowed ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH;
  library.check(library.set_math_mode(library.handle, mode));
}

const Cublas::Library& Cublas::library() const {
  if (!library_->problem.empty())
    fail(
        fmt::format("cuBLAS can't be used: {}", library_->problem),
        "install NVIDIA's cuBLAS 12 or 13, set CAIRN_CUDA_LIBS to its folder, or use --device cpu");
  return *library_;
}

void gemm(CudaContext& context, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k,
          float alpha, const float* a, int64_t lda, const float* b, int64_t ldb, float beta,
          float* c, int64_t ldc) {
  if (m == 0 || n == 0) return;
  if (!context.cublas) fail("this CUDA context has no cuBLAS");
  const Cublas::Library& library = context.cublas->library();
  auto size = [&](int64_t value) {
    if (value < 0 || value > std::numeric_limits<int>::max())
      fail(fmt::format(
               "a product of {} x {} by {} x {} (rows {}, {} and {} apart) is too large for cuBLAS",
               m, k, k, n, lda, ldb, ldc),
           "choose a smaller batch");
    return static_cast<int>(value);
  };
  auto stride = [&](int64_t value) { return std::max(1, size(value)); };
  // cuBLAS has columns where we have rows: it sees A', B' and C', and C' = op(B)' op(A)'.
  auto op = [](bool transposed) { return transposed ? CUBLAS_OP_T : CUBLAS_OP_N; };
  library.check(library.sgemm(library.handle, op(trans_b), op(trans_a), size(n), size(m), size(k),
                              &alpha, b, stride(ldb), a, stride(lda), &beta, c, stride(ldc)));
}

}  // namespace cairn
