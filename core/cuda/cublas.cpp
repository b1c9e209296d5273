#include "core/cuda/cublas.h"

#include <cublas_v2.h>
#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <type_traits>

#include "core/cuda/handle.h"

namespace cairn {
namespace {

constexpr size_t kWorkspaceBytes = size_t{32}
                                   << 20;  // what NVIDIA advises for compute capability 9.0
constexpr const char* kNames[] = {"libcublas.so.13", "libcublas.so.12", "libcublas.so"};

using DeviceMemory = Handle<void*, cudaFree>;

/// The library's dlopen handle; nullptr, and the last reason in `problem`, where there is none. It
/// stays open until the program ends, because cuBLAS keeps state in the driver.
void* open_library(std::string& problem) {
  const char* folder = std::getenv("CAIRN_CUDA_LIBS");
  for (const std::string& prefix :
       {folder ? std::string(folder) + "/" : std::string(), std::string()})
    for (const char* name : kNames) {
      if (void* library = dlopen((prefix + name).c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
      if (problem.empty()) problem = dlerror();
    }
  return nullptr;
}

}  // namespace

std::string Cublas::why_not_found() {
  std::string problem;
  return open_library(problem) ? std::string() : problem;
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

  cublasHandle_t handle = nullptr;
  DeviceMemory workspace;
  std::string problem;  // why it can't be used; empty where it can

  ~Library() {
    if (!handle) return;
    if (const cublasStatus_t result = destroy(handle); result != CUBLAS_STATUS_SUCCESS)
      std::fprintf(stderr, "cairn: closing cuBLAS failed: %s\n", status_name(result));
  }

  /// Finds every function; false, and `problem` set, where one is missing.
  bool find_functions(void* library) {
    auto find = [&](auto& function, const char* name) {
      function =
          reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
      if (!function && problem.empty()) problem = fmt::format("libcublas has no {}", name);
    };
    find(create, "cublasCreate_v2");
    find(destroy, "cublasDestroy_v2");
    find(set_stream, "cublasSetStream_v2");
    find(set_workspace, "cublasSetWorkspace_v2");
    find(set_math_mode, "cublasSetMathMode");
    find(sgemm, "cublasSgemm_v2");
    find(status_name, "cublasGetStatusName");
    find(status_string, "cublasGetStatusString");
    return problem.empty();
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
    workspace = DeviceMemory(memory);
    check(set_workspace(handle, memory, kWorkspaceBytes));
    check(set_math_mode(handle, CUBLAS_DEFAULT_MATH));
  }
};

Cublas::Cublas(cudaStream_t stream) : library_(std::make_unique<Library>()) {
  void* opened = open_library(library_->problem);
  if (!opened) return;
  library_->problem.clear();
  if (!library_->find_functions(opened)) return;
  try {
    library_->start(stream);
  } catch (const Error& error) {
    library_->problem = error.what();
  }
}

Cublas::~Cublas() = default;

const Cublas::Library& Cublas::library() const {
  if (!library_->problem.empty())
    fail(fmt::format("cuBLAS can't be used: {}", library_->problem),
         "install NVIDIA's cuBLAS 12 or 13, set CAIRN_CUDA_LIBS to the folder of libcublas.so, or "
         "use "
         "--device cpu");
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
