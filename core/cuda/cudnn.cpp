#include "core/cuda/cudnn.h"

#include <fmt/format.h>

#include "core/dynamic_library.h"
#include "core/error.h"

// The toolkit has no cudnn.h; a build without it has no cuDNN.
#if __has_include(<cudnn.h>)
#include <cudnn.h>
#define CAIRN_HAS_CUDNN (CUDNN_MAJOR >= 9)
#endif

#include <cstdio>
#include <limits>
#include <map>
#include <tuple>
#include <type_traits>
#include <utility>

namespace cairn {

std::string describe(ConvPass pass, const ConvProblem& p) {
  constexpr const char* kPasses[] = {"conv2d", "conv2d_dx", "conv2d_dw"};
  return fmt::format(
      "{} n={} x={}x{}x{} y={}x{}x{} k={}x{} stride={}x{} padding={}x{} dilation={}x{} groups={}",
      kPasses[static_cast<size_t>(pass)], p.n, p.cin, p.h, p.w, p.cout, p.oh, p.ow, p.kh, p.kw,
      p.stride_h, p.stride_w, p.pad_h, p.pad_w, p.dil_h, p.dil_w, p.groups);
}

#if CAIRN_HAS_CUDNN
namespace {

constexpr const char* kCudnnNames[] = {"libcudnn.so.9", "libcudnn.so"};
constexpr const char* kCudnnHint = "install NVIDIA's cuDNN 9, or leave out --conv and --batch-norm";

constexpr float kOne = 1, kZero = 0;

int size32(int64_t value) {
  if (value < 0 || value > std::numeric_limits<int>::max())
    fail(fmt::format("{} is too large for cuDNN", value), "leave out --conv and --batch-norm");
  return static_cast<int>(value);
}

/// Whether the algorithm sums products as they are.
bool is_plain(cudnnConvolutionFwdAlgo_t a) {
  return a != CUDNN_CONVOLUTION_FWD_ALGO_FFT && a != CUDNN_CONVOLUTION_FWD_ALGO_FFT_TILING &&
         a != CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD &&
         a != CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED;
}
bool is_plain(cudnnConvolutionBwdDataAlgo_t a) {
  return a != CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT &&
         a != CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT_TILING &&
         a != CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD &&
         a != CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD_NONFUSED;
}
bool is_plain(cudnnConvolutionBwdFilterAlgo_t a) {
  return a != CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT &&
         a != CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT_TILING &&
         a != CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD &&
         a != CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED;
}

template <class D>
using Descriptor = std::unique_ptr<std::remove_pointer_t<D>, cudnnStatus_t (*)(D)>;

/// A problem as cuDNN knows it.
struct Prepared {
  Descriptor<cudnnTensorDescriptor_t> x, y;
  Descriptor<cudnnFilterDescriptor_t> w;
  Descriptor<cudnnConvolutionDescriptor_t> conv;
  int algorithm = 0;  // of the pass
};

}  // namespace

/// The functions that we need, under the header's own types.
struct Cudnn::Library {
  decltype(&cudnnCreate) create = nullptr;
  decltype(&cudnnDestroy) destroy = nullptr;
  decltype(&cudnnSetStream) set_stream = nullptr;
  decltype(&cudnnGetErrorString) error_string = nullptr;
  decltype(&cudnnCreateTensorDescriptor) create_tensor = nullptr;
  decltype(&cudnnDestroyTensorDescriptor) destroy_tensor = nullptr;
  decltype(&cudnnSetTensor4dDescriptor) set_tensor = nullptr;
  decltype(&cudnnCreateFilterDescriptor) create_filter = nullptr;
  decltype(&cudnnDestroyFilterDescriptor) destroy_filter = nullptr;
  decltype(&cudnnSetFilter4dDescriptor) set_filter = nullptr;
  decltype(&cudnnCreateConvolutionDescriptor) create_conv = nullptr;
  decltype(&cudnnDestroyConvolutionDescriptor) destroy_conv = nullptr;
  decltype(&cudnnSetConvolution2dDescriptor) set_conv = nullptr;
  decltype(&cudnnSetConvolutionGroupCount) set_groups = nullptr;
  decltype(&cudnnSetConvolutionMathType) set_math = nullptr;
  decltype(&cudnnGetConvolutionForwardAlgorithm_v7) forward_algorithms = nullptr;
  decltype(&cudnnGetConvolutionBackwardDataAlgorithm_v7) dx_algorithms = nullptr;
  decltype(&cudnnGetConvolutionBackwardFilterAlgorithm_v7) dw_algorithms = nullptr;
  decltype(&cudnnConvolutionForward) forward = nullptr;
  decltype(&cudnnConvolutionBackwardData) dx = nullptr;
  decltype(&cudnnConvolutionBackwardFilter) dw = nullptr;
  decltype(&cudnnBatchNormalizationForwardTraining) norm = nullptr;
  decltype(&cudnnBatchNormalizationForwardInference) norm_inference = nullptr;
  decltype(&cudnnBatchNormalizationBackward) norm_grad = nullptr;

  DynamicLibrary opened{kCudnnNames};
  cudnnHandle_t handle = nullptr;
  std::map<std::tuple<ConvPass, ConvProblem, size_t>, Prepared> prepared;

  ~Library() {
    prepared.clear();
    if (!handle) return;
    if (const cudnnStatus_t result = destroy(handle); result != CUDNN_STATUS_SUCCESS)
      std::fprintf(stderr, "cairn: closing cuDNN failed: %s\n", error_string(result));
  }

  void find_functions() {
    opened.find(create, "cudnnCreate");
    opened.find(destroy, "cudnnDestroy");
    opened.find(set_stream, "cudnnSetStream");
    opened.find(error_string, "cudnnGetErrorString");
    opened.find(create_tensor, "cudnnCreateTensorDescriptor");
    opened.find(destroy_tensor, "cudnnDestroyTensorDescriptor");
    opened.find(set_tensor, "cudnnSetTensor4dDescriptor");
    opened.find(create_filter, "cudnnCreateFilterDescriptor");
    opened.find(destroy_filter, "cudnnDestroyFilterDescriptor");
    opened.find(set_filter, "cudnnSetFilter4dDescriptor");
    opened.find(create_conv, "cudnnCreateConvolutionDescriptor");
    opened.find(destroy_conv, "cudnnDestroyConvolutionDescriptor");
    opened.find(set_conv, "cudnnSetConvolution2dDescriptor");
    opened.find(set_groups, "cudnnSetConvolutionGroupCount");
    opened.find(set_math, "cudnnSetConvolutionMathType");
    opened.find(forward_algorithms, "cudnnGetConvolutionForwardAlgorithm_v7");
    opened.find(dx_algorithms, "cudnnGetConvolutionBackwardDataAlgorithm_v7");
    opened.find(dw_algorithms, "cudnnGetConvolutionBackwardFilterAlgorithm_v7");
    opened.find(forward, "cudnnConvolutionForward");
    opened.find(dx, "cudnnConvolutionBackwardData");
    opened.find(dw, "cudnnConvolutionBackwardFilter");
    opened.find(norm, "cudnnBatchNormalizationForwardTraining");
    opened.find(norm_inference, "cudnnBatchNormalizationForwardInference");
    opened.find(norm_grad, "cudnnBatchNormalizationBackward");
    if (!opened.problem().empty())
      fail(fmt::format("cuDNN can't be used: {}", opened.problem()), kCudnnHint);
  }

  /// As check() for the CUDA runtime.
  void check(cudnnStatus_t result, SourceLocation where = SourceLocation::current()) const {
    if (result == CUDNN_STATUS_SUCCESS) return;
    static_cast<void>(cudaGetLastError());
    fail(fmt::format("cuDNN: {}", error_string(result)), kCudnnHint, where);
  }

  template <class D>
  Descriptor<D> make(cudnnStatus_t (*create_one)(D*), cudnnStatus_t (*destroy_one)(D)) const {
    D made = nullptr;
    check(create_one(&made));
    return {made, destroy_one};
  }

  /// Dense (n,c,h,w).
  Descriptor<cudnnTensorDescriptor_t> tensor(int64_t n, int64_t c, int64_t h, int64_t w) const {
    auto made = make(create_tensor, destroy_tensor);
    check(set_tensor(made.get(), CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, size32(n), size32(c),
                     size32(h), size32(w)));
    return made;
  }

  Prepared describe(const ConvProblem& p) const {
    Prepared made{tensor(p.n, p.cin, p.h, p.w), tensor(p.n, p.cout, p.oh, p.ow),
                  make(create_filter, destroy_filter), make(create_conv, destroy_conv)};
    check(set_filter(made.w.get(), CUDNN_DATA_FLOAT, CUDNN_TENSOR_NCHW, size32(p.cout),
                     size32(p.cin / p.groups), size32(p.kh), size32(p.kw)));
    check(set_conv(made.conv.get(), size32(p.pad_h), size32(p.pad_w), size32(p.stride_h),
                   size32(p.stride_w), size32(p.dil_h), size32(p.dil_w), CUDNN_CROSS_CORRELATION,
                   CUDNN_DATA_FLOAT));
    check(set_groups(made.conv.get(), size32(p.groups)));
    check(set_math(made.conv.get(), CUDNN_FMA_MATH));
    return made;
  }

  /// The first that will do of those which `list` fills in, best first.
  template <class Perf, class List>
  int choose(List list, size_t bytes) const {
    Perf found[16];
    int count = 0;
    check(list(16, &count, found));
    for (int i = 0; i < count; ++i)
      if (found[i].status == CUDNN_STATUS_SUCCESS && is_plain(found[i].algo) &&
          found[i].determinism == CUDNN_DETERMINISTIC && found[i].memory <= bytes &&
          found[i].mathType != CUDNN_TENSOR_OP_MATH &&
          found[i].mathType != CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION)
        return static_cast<int>(found[i].algo);
    fail(fmt::format("cuDNN has no deterministic float32 algorithm that takes at most {} bytes",
                     bytes),
         "use --conv im2col");
  }

  int choose(ConvPass pass, const Prepared& p, size_t bytes) const {
    const auto x = p.x.get(), y = p.y.get();
    const auto w = p.w.get();
    const auto conv = p.conv.get();
    switch (pass) {
      case ConvPass::forward:
        return choose<cudnnConvolutionFwdAlgoPerf_t>(
            [&](int most, int* count, auto* found) {
              return forward_algorithms(handle, x, w, conv, y, most, count, found);
            },
            bytes);
      case ConvPass::dx:
        return choose<cudnnConvolutionBwdDataAlgoPerf_t>(
            [&](int most, int* count, auto* found) {
              return dx_algorithms(handle, w, y, conv, x, most, count, found);
            },
            bytes);
      case ConvPass::dw:
        return choose<cudnnConvolutionBwdFilterAlgoPerf_t>(
            [&](int most, int* count, auto* found) {
              return dw_algorithms(handle, x, y, conv, w, most, count, found);
            },
            bytes);
    }
    return 0;
  }

  const Prepared& prepare(ConvPass pass, const ConvProblem& problem, size_t bytes) {
    const std::tuple key(pass, problem, bytes);
    if (const auto at = prepared.find(key); at != prepared.end()) return at->second;
    Prepared made = describe(problem);
    made.algorithm = choose(pass, made, bytes);
    return prepared.emplace(key, std::move(made)).first->second;
  }
};

Cudnn::Cudnn(cudaStream_t stream) : library_(std::make_unique<Library>()) {
  library_->find_functions();
  library_->check(library_->create(&library_->handle));
  library_->check(library_->set_stream(library_->handle, stream));
}

CudaLibraryFact Cudnn::find() {
  DynamicLibrary opened(kCudnnNames);
  decltype(&cudnnGetVersion) version = nullptr;
  opened.find(version, "cudnnGetVersion");
  if (!version) return {.problem = opened.problem()};
  const size_t v = version();
  return {.version = fmt::format("{}.{}.{}", v / 10000, v / 100 % 100, v % 100),
          .path = opened.path()};
}

void Cudnn::convolve(ConvPass pass, const ConvProblem& problem, const float* a, const float* b,
                     float* to, void* workspace, size_t bytes) {
  Library& l = *library_;
  const Prepared& p = l.prepare(pass, problem, bytes);
  const auto x = p.x.get(), y = p.y.get();
  const auto w = p.w.get();
  const auto conv = p.conv.get();
  switch (pass) {
    case ConvPass::forward:
      return l.check(l.forward(l.handle, &kOne, x, a, w, b, conv,
                               static_cast<cudnnConvolutionFwdAlgo_t>(p.algorithm), workspace,
                               bytes, &kZero, y, to));
    case ConvPass::dx:
      return l.check(l.dx(l.handle, &kOne, w, b, y, a, conv,
                          static_cast<cudnnConvolutionBwdDataAlgo_t>(p.algorithm), workspace, bytes,
                          &kZero, x, to));
    case ConvPass::dw:
      return l.check(l.dw(l.handle, &kOne, x, a, y, b, conv,
                          static_cast<cudnnConvolutionBwdFilterAlgo_t>(p.algorithm), workspace,
                          bytes, &kOne, w, to));
  }
}

namespace {

constexpr cudnnBatchNormMode_t kNormMode = CUDNN_BATCHNORM_SPATIAL;

double checked_eps(double eps) {
  if (eps < CUDNN_BN_MIN_EPSILON)
    fail(fmt::format("cuDNN's batch norm needs an eps of at least {}, not {}", CUDNN_BN_MIN_EPSILON,
                     eps),
         "leave out --batch-norm");
  return eps;
}

}  // namespace

void Cudnn::batch_norm(const NormProblem& p, const NormChannels& c, double eps, double momentum,
                       const float* x, float* y) {
  const Library& l = *library_;
  const auto data = l.tensor(1, p.channels, p.positions, p.batch);
  const auto channels = l.tensor(1, p.channels, 1, 1);
  l.check(l.norm(l.handle, kNormMode, &kOne, &kZero, data.get(), x, data.get(), y, channels.get(),
                 c.weight, c.bias, momentum, c.running_mean, c.running_var, checked_eps(eps),
                 c.mean, c.inverse));
}

void Cudnn::batch_norm_inference(const NormProblem& p, const NormChannels& c, double eps,
                                 const float* x, float* y) {
  const Library& l = *library_;
  const auto data = l.tensor(1, p.channels, p.positions, p.batch);
  const auto channels = l.tensor(1, p.channels, 1, 1);
  l.check(l.norm_inference(l.handle, kNormMode, &kOne, &kZero, data.get(), x, data.get(), y,
                           channels.get(), c.weight, c.bias, c.running_mean, c.running_var,
                           checked_eps(eps)));
}

void Cudnn::batch_norm_grad(const NormProblem& p, const NormChannels& c, double eps, const float* x,
                            const float* dz, float* dx, float* dweight, float* dbias) {
  const Library& l = *library_;
  const auto data = l.tensor(1, p.channels, p.positions, p.batch);
  const auto channels = l.tensor(1, p.channels, 1, 1);
  l.check(l.norm_grad(l.handle, kNormMode, &kOne, &kZero, &kOne, &kZero, data.get(), x, data.get(),
                      dz, data.get(), dx, channels.get(), c.weight, dweight, dbias,
                      checked_eps(eps), c.mean, c.inverse));
}

#else

struct Cudnn::Library {};

Cudnn::Cudnn(cudaStream_t) {
  fail("this build was made without cudnn.h",
       "install cuDNN 9 and build again, or leave out --conv and --batch-norm");
}

CudaLibraryFact Cudnn::find() { return {.problem = "this build was made without cudnn.h"}; }

void Cudnn::convolve(ConvPass, const ConvProblem&, const float*, const float*, float*, void*,
                     size_t) {}
void Cudnn::batch_norm(const NormProblem&, const NormChannels&, double, double, const float*,
                       float*) {}
void Cudnn::batch_norm_inference(const NormProblem&, const NormChannels&, double, const float*,
                                 float*) {}
void Cudnn::batch_norm_grad(const NormProblem&, const NormChannels&, double, const float*,
                            const float*, float*, float*, float*) {}
#endif

Cudnn::~Cudnn() = default;

}  // namespace cairn
