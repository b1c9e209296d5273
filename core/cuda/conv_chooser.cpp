#include "core/cuda/conv_chooser.h"

#include <algorithm>
#include <limits>

#include "core/cuda/handle.h"

namespace cairn {
namespace {

/// The shortest of some runs, after a first one that loads code and looks for algorithms.
float best_milliseconds(CudaFn function, const Args& args, CudaContext& context) {
  constexpr int kRuns = 5;
  const Event begin = make_event(true), end = make_event(true);
  float best = std::numeric_limits<float>::max();
  function(args, context);
  for (int i = 0; i < kRuns; ++i) {
    check(cudaEventRecord(begin.get(), context.stream));
    function(args, context);
    check(cudaEventRecord(end.get(), context.stream));
    check(cudaEventSynchronize(end.get()));
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, begin.get(), end.get()));
    best = std::min(best, milliseconds);
  }
  return best;
}

/// "cudnn" where that is the faster one. A problem that cuDNN refuses is im2col's.
std::string faster(const Args& args, CudaContext& context, CudaFn im2col, CudaFn cudnn) {
  const float ours = best_milliseconds(im2col, args, context);
  try {
    return best_milliseconds(cudnn, args, context) < ours ? "cudnn" : "im2col";
  } catch (const Error&) {
    return "im2col";
  }
}

}  // namespace

std::string ConvChooser::set(const ConvChoice& choice) {
  check_conv(choice.algorithm);
  check_batch_norm(choice.batch_norm);
  std::string note;
  if (choice.batch_norm == "cudnn" && !cudnn_) cudnn_ = std::make_unique<Cudnn>(stream_);
  if (choice.algorithm != "im2col" && !cudnn_) try {
      cudnn_ = std::make_unique<Cudnn>(stream_);
    } catch (const Error& error) {
      if (choice.algorithm == "cudnn") throw;
      note = std::string("--conv auto has im2col alone: ") + error.what();
    }
  choice_ = choice;
  return note;
}

CudaFn ConvChooser::choose(ConvPass pass, const ConvProblem& problem, bool adds, const Args& args,
                           CudaContext& context, CudaFn im2col, CudaFn cudnn) {
  if (choice_.algorithm == "im2col" || !cudnn_) return im2col;
  if (choice_.algorithm == "cudnn") return cudnn;
  std::string& found = choice_.found[describe(pass, problem)];
  if (found.empty()) {
    Args measured = args;
    Tensor result = args.out[0];
    Handle<void*, cudaFree> copy;
    if (adds) {
      void* data = nullptr;
      check(cudaMalloc(&data, static_cast<size_t>(result.bytes())));
      copy = Handle<void*, cudaFree>(data);
      result.data = data;
      measured.out = &result;
    }
    found = faster(measured, context, im2col, cudnn);
  }
  return found == "cudnn" ? cudnn : im2col;
}

}  // namespace cairn
