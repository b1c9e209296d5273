// A channel's values lie side by side, which is what cuDNN calls a spatial batch norm of one
// example: nothing is transposed. What each channel has goes through the workspace in float32.
#include "kernels/batch_norm/batch_norm_cudnn.h"

#include "core/cuda/conv_chooser.h"
#include "core/cuda/launch.h"
#include "kernels/unary/unary.h"

namespace cairn {
namespace {

/// Rows of a float for each channel, behind what our kernels use of the workspace.
struct ChannelRows {
  float *weight, *bias, *running_mean, *running_var, *mean, *inverse;

  ChannelRows(const Args& args, const Tensor& x) {
    const int64_t channels = x.shape[0];
    auto* const memory = static_cast<std::byte*>(args.workspace);
    const int64_t ours = batch_norm_sums_bytes(channels, x.elements() / channels);
    auto* row = reinterpret_cast<float*>(memory + ours);
    for (float** to : {&weight, &bias, &running_mean, &running_var, &mean, &inverse}) {
      *to = row;
      row += channels;
    }
  }
};

NormChannels for_cudnn(const ChannelRows& rows) {
  return {rows.weight, rows.bias, rows.running_mean, rows.running_var, rows.mean, rows.inverse};
}

NormProblem problem_of(const Tensor& x) {
  return {x.shape[0], ChannelRuns(x).positions, x.batch.width};
}

// One thread a channel: 16 bytes read, 16 written.
__global__ void gather_channels_kernel(const float* w, const float* b, const float* running_mean,
                                       const float* running_var, ChannelRows to, int64_t channels) {
  for (const int64_t c : grid_stride(channels)) {
    to.weight[c] = w ? w[c] : 1.0f;
    to.bias[c] = b ? b[c] : 0.0f;
    to.running_mean[c] = running_mean[c];
    to.running_var[c] = running_var[c];
  }
}

// One thread a channel: keeps stats and running averages where all `batch` examples are real. 16
// bytes read, 24 written.
__global__ void keep_stats_kernel(ChannelRows from, const StepState* step, int64_t batch,
                                  double* stats, float* running_mean, float* running_var,
                                  int64_t channels) {
  if (step->n_valid != batch) return;
  for (const int64_t c : grid_stride(channels)) {
    stats[2 * c] = from.mean[c];
    stats[2 * c + 1] = from.inverse[c];
    running_mean[c] = from.running_mean[c];
    running_var[c] = from.running_var[c];
  }
}

// One thread an element, coalesced: y = act(y + residual), 8 bytes, 12 with a residual.
__global__ void finish_norm_kernel(const float* residual, Activation act, float* y,
                                   int64_t elements) {
  for (const int64_t i : grid_stride(elements))
    y[i] = activate(act, residual ? y[i] + residual[i] : y[i]);
}

// One thread a channel: 20 bytes read, 12 written.
__global__ void gather_stats_kernel(const float* w, const double* stats, ChannelRows to,
                                    int64_t channels) {
  for (const int64_t c : grid_stride(channels)) {
    to.weight[c] = w ? w[c] : 1.0f;
    to.mean[c] = static_cast<float>(stats[2 * c]);
    to.inverse[c] = static_cast<float>(stats[2 * c + 1]);
  }
}

// One thread a channel adds its gradients where all `batch` examples are real: 16 bytes read, 8
// written.
__global__ void keep_gradients_kernel(const float* of_weight, const float* of_bias,
                                      const StepState* step, int64_t batch, float* dweight,
                                      float* dbias, int64_t channels) {
  if (step->n_valid != batch) return;
  for (const int64_t c : grid_stride(channels)) {
    dweight[c] += of_weight[c];
    dbias[c] += of_bias[c];
  }
}

Grid grid_of(int64_t threads, CudaContext& context) {
  return {.grid = blocks_for(threads), .block = kThreads, .stream = context.stream};
}

void gather_channels(const Args& args, const ChannelRows& rows, CudaContext& context) {
  const int64_t channels = args.in[0].shape[0];
  launch(gather_channels_kernel, grid_of(channels, context), args.in[3].as<float>(),
         args.in[4].as<float>(), args.in[1].as<float>(), args.in[2].as<float>(), rows, channels);
}

void finish(const Args& args, int act_attr, CudaContext& context) {
  const auto act = static_cast<Activation>(args.attrs->integer(act_attr));
  const float* residual = args.in[5].as<float>();
  if (act == Activation::none && !residual) return;
  const Tensor& y = args.out[0];
  launch(finish_norm_kernel, grid_of(y.elements(), context), residual, act, y.as<float>(),
         y.elements());
}

}  // namespace

void batch_norm_cudnn(const Args& args, CudaContext& context) {
  const Tensor& x = args.in[0];
  if (x.elements() < 2 * x.shape[0] || x.elements() == 0)  // no variance, or nothing at all
    return batch_norm_own(args, context, kNeverSkip);
  const ChannelRows rows(args, x);
  const NormProblem problem = problem_of(x);
  gather_channels(args, rows, context);
  context.conv->cudnn().batch_norm(problem, for_cudnn(rows), args.attrs->real(batch_norm_attr::eps),
                                   args.attrs->real(batch_norm_attr::momentum), x.as<float>(),
                                   args.out[0].as<float>());
  launch(keep_stats_kernel, grid_of(problem.channels, context), rows, args.step, problem.batch,
         args.out[1].as<double>(), args.in[1].as<float>(), args.in[2].as<float>(),
         problem.channels);
  finish(args, batch_norm_attr::activation, context);
  batch_norm_own(args, context, problem.batch);
}

void batch_norm_inference_cudnn(const Args& args, CudaContext& context) {
  const Tensor& x = args.in[0];
  if (x.elements() == 0) return;
  const ChannelRows rows(args, x);
  gather_channels(args, rows, context);
  context.conv->cudnn().batch_norm_inference(problem_of(x), for_cudnn(rows),
                                             args.attrs->real(batch_norm_attr::eps), x.as<float>(),
                                             args.out[0].as<float>());
  finish(args, batch_norm_attr::inference_activation, context);
}

/// The rows of the running averages hold the gradients.
void batch_norm_grad_cudnn(const Args& args, CudaContext& context) {
  const Tensor &dz = args.in[0], &x = args.in[1];
  if (x.elements() == 0) return;
  constexpr double kEps = 1e-5;  // not used beside mean and inverse
  const ChannelRows rows(args, x);
  const NormProblem problem = problem_of(x);
  launch(gather_stats_kernel, grid_of(problem.channels, context), args.in[3].as<float>(),
         args.in[2].as<double>(), rows, problem.channels);
  context.conv->cudnn().batch_norm_grad(problem, for_cudnn(rows), kEps, x.as<float>(),
                                        dz.as<float>(), args.out[0].as<float>(), rows.running_mean,
                                        rows.running_var);
  launch(keep_gradients_kernel, grid_of(problem.channels, context), rows.running_mean,
         rows.running_var, args.step, problem.batch, args.out[1].as<float>(),
         args.out[2].as<float>(), problem.channels);
  batch_norm_grad_own(args, context, problem.batch);
}

}  // namespace cairn
