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

CudaFn named(const ConvWays& ways, const std::string& name) {
  return name == "cudnn" ? ways.cudnn : name == "implicit" ? ways.implicit : ways.im2col;
}

/// The name of the fastest; of two that are equal the earlier. A problem that one refuses is
/// another's.
std::string fastest(const Args& args, CudaContext& context, const ConvWays& ways, bool cudnn) {
  std::string best = "im2col";
  float least = best_milliseconds(ways.im2col, args, context);
  for (const char* name : {"implicit", "cudnn"}) {
    if (!cudnn && name == std::string_view("cudnn")) continue;
    try {
      const float taken = best_milliseconds(named(ways, name), args, context);
      if (taken < least) least = taken, best = name;
    } catch (const Error&) {
    }
  }
  return best;
}

}  // namespace

std::string ConvChooser::set(const ConvChoice& choice) {
  check_conv(choice.algorithm);
  check_batch_norm(choice.batch_norm);
  std::string note;
  if (choice.batch_norm == "cudnn" && !cudnn_) cudnn_ = std::make_unique<Cudnn>(stream_);
  if ((choice.algorithm == "cudnn" || choice.algorithm == "auto") && !cudnn_) try {
      cudnn_ = std::make_unique<Cudnn>(stream_);
    } catch (const Error& error) {
      if (choice.algorithm == "cudnn") throw;
      note = std::string("--conv auto has im2col and implicit alone: ") + error.what();
    }
  choice_ = choice;
  return note;
}

CudaFn ConvChooser::choose(ConvPass pass, const ConvProblem& problem, bool adds, const Args& args,
                           CudaContext& context, const ConvWays& ways) {
  if (choice_.algorithm != "auto") return named(ways, choice_.algorithm);
  std::string& found = choice_.found[describe(pass, problem)];
  if (found.empty()) {
    Args measured = args;
    // Its second sum is left out.
    Tensor results[] = {args.out[0], Tensor(nullptr, DType::f32, {0})};
    Handle<void*, cudaFree> copy;
    if (adds) {
      void* data = nullptr;
      check(cudaMalloc(&data, static_cast<size_t>(results[0].bytes())));
      copy = Handle<void*, cudaFree>(data);
      results[0].data = data;
      measured.out = results;
    }
    found = fastest(measured, context, ways, cudnn_ != nullptr);
  }
  return found == "cudnn" && !cudnn_ ? ways.im2col : named(ways, found);
}

}  // namespace cairn
