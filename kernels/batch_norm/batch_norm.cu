// On CUDA a batch is one slice: position i of channel c of example n lies at (c positions + i) N +
// n, so a channel is one run of floats.
#include "core/cuda/block_sum.cuh"
#include "core/cuda/conv_chooser.h"
#include "core/cuda/elements.cuh"
#include "core/cuda/last_block.cuh"
#include "kernels/batch_norm/batch_norm_cudnn.h"
#include "kernels/unary/unary.h"

namespace cairn {
namespace {

/// A channel split into parts, each summed by a block; `batch` lanes of a row, of which the first
/// n_valid are real. Kernels do nothing where these are `skip`.
struct Parts {
  int64_t channels, parts, run, batch, skip;

  explicit Parts(const Tensor& x, int64_t skip = kNeverSkip)
      : channels(x.shape[0]),
        parts(batch_norm_parts(channels, x.elements() / channels)),
        run(x.elements() / channels),
        batch(x.batch.width),
        skip(skip) {}
};

/// Stores a block's two sums of a part. Channels lie side by side, for the threads that add up
/// parts.
__device__ void put_sums(double first, double second, double* sums, int64_t part, const Parts& p) {
  const double a = block_sum(first), b = block_sum(second);
  if (threadIdx.x == 0)
    store_two(sums + 2 * (part % p.parts * p.channels + part / p.parts), {a, b});
}

/// `total` and a channel's two sums of parts, in their order.
__device__ double2 add_parts(double2 total, const double* sums, int64_t parts, int64_t channels,
                             int64_t c) {
  for (int64_t p = 0; p < parts; ++p) {
    const double2 part = load_two(sums + 2 * (p * channels + c));
    total.x += part.x;
    total.y += part.y;
  }
  return total;
}

/// What becomes of a channel's two sums: its row of stats, and its running averages move.
struct StatsOf {
  int64_t positions = 0;
  double eps = 0, momentum = 0;
  float *running_mean = nullptr, *running_var = nullptr;
  double* stats = nullptr;  // none: the sums stay parts

  /// Adds up the channel's parts: 16 bytes each.
  __device__ void finish(const double* sums, int64_t parts, int64_t channels, int64_t c,
                         int64_t valid) const {
    const double n = static_cast<double>(valid * positions);
    const double2 total = add_parts({}, sums, parts, channels, c);
    const ChannelMoments m(n, total.x, total.y);
    store_two(stats + 2 * c, {m.mean, n == 1 ? NAN : 1 / sqrt(m.variance + eps)});
    if (n < 2) return;
    const double unbiased = m.variance * n / (n - 1);
    running_mean[c] = static_cast<float>((1 - momentum) * running_mean[c] + momentum * m.mean);
    running_var[c] = static_cast<float>((1 - momentum) * running_var[c] + momentum * unbiased);
  }
};

// A block sums part p of a channel: its threads take elements p kThreads + t and on in steps of
// parts kThreads, coalesced, in float about the channel's first value, and move their sums to zero
// in double. Reads 4 bytes an element. The last block finishes, a thread a channel.
__global__ void batch_norm_sums_kernel(const float* x, const StepState* step, double* sums, Parts p,
                                       StatsOf end, unsigned* blocks_done) {
  const int64_t valid = step->n_valid;
  if (valid == p.skip) return;
  for (const int64_t part : block_stride(p.channels * p.parts)) {
    const float* of_channel = x + part / p.parts * p.run;
    const float shift = of_channel[0];
    float sum = 0, squares = 0;
    int64_t count = 0;
    for (int64_t i = part % p.parts * kThreads + threadIdx.x; i < p.run; i += p.parts * kThreads)
      if (valid == p.batch || i % p.batch < valid) {
        const float e = of_channel[i] - shift;
        sum += e;
        squares += e * e;
        ++count;
      }
    const double n = static_cast<double>(count), m = shift;
    put_sums(sum + n * m, squares + 2 * m * sum + n * m * m, sums, part, p);
  }
  if (!end.stats || !is_last_block(blocks_done)) return;
  for (int64_t c = threadIdx.x; c < p.channels; c += kThreads)
    end.finish(sums, p.parts, p.channels, c, valid);
}

// One thread a channel adds up the parts in order: 16 bytes read a part.
__global__ void add_batch_norm_parts_kernel(const double* parts, double* sums, int64_t count,
                                            int64_t channels) {
  for (const int64_t c : grid_stride(channels))
    store_two(sums + 2 * c, add_parts(load_two(sums + 2 * c), parts, count, channels, c));
}

// One thread a channel: 16 bytes of its sums read, where it has any, and 16 of stats written.
__global__ void batch_norm_stats_kernel(const double* sums, int64_t parts, const StepState* step,
                                        StatsOf end, int64_t channels, int64_t skip) {
  if (step->n_valid == skip) return;
  for (const int64_t c : grid_stride(channels)) end.finish(sums, parts, channels, c, step->n_valid);
}

/// Where a channel's mean and 1/sqrt(variance + eps) come from: stats, or running averages.
struct StatsSource {
  const double* stats = nullptr;
  const float *mean = nullptr, *variance = nullptr;
  double eps = 0;

  __device__ Normalizer<float> normalizer(const float* w, const float* b, int64_t c) const {
    return stats ? Normalizer<float>(stats[2 * c], stats[2 * c + 1], w, b, c)
                 : Normalizer<float>(mean[c], 1 / sqrt(variance[c] + eps), w, b, c);
  }
};

// blockIdx.y takes channels, threads run along one, four elements each: 8 bytes an element, 12 with
// a residual.
__global__ void batch_norm_normalize_kernel(const float* x, StatsSource source, const float* w,
                                            const float* b, const float* residual, Activation act,
                                            float* y, const StepState* step, Parts p) {
  if (step->n_valid == p.skip) return;
  for (const int64_t c : row_stride(p.channels)) {
    const Normalizer<float> map = source.normalizer(w, b, c);
    const auto plain = [&](float v) { return activate(act, map(v)); };
    const auto added = [&](float v, float r) { return activate(act, map(v) + r); };
    const int64_t at = c * p.run;
    residual ? map_elements(added, p.run, y + at, x + at, residual + at)
             : map_elements(plain, p.run, y + at, x + at);
  }
}

/// Where a channel's two sums are added, and, where `totals` is given, what the batch's own are
/// left as: dweight, then dbias.
struct GradientsOf {
  float *dweight, *dbias, *totals;

  /// Adds up the channel's parts: 16 bytes each.
  __device__ void finish(const double* sums, const Parts& p, int64_t c) const {
    const auto [products, sum] = add_parts({}, sums, p.parts, p.channels, c);
    dweight[c] += static_cast<float>(products);
    dbias[c] += static_cast<float>(sum);
    if (!totals) return;
    totals[c] = static_cast<float>(products);
    totals[p.channels + c] = static_cast<float>(sum);
  }
};

// As batch_norm_sums_kernel, for the sums dz xh and dz: 8 bytes an element. With a mask it makes
// dz, of all lanes: 16 bytes. With dx it makes weight / sqrt(variance + eps) dz, of all lanes: 12.
__global__ void batch_norm_grad_sums_kernel(ReluMask mask, float* dz, const float* x,
                                            const double* stats, const float* w, float* dx,
                                            const StepState* step, double* sums, Parts p,
                                            GradientsOf end, unsigned* blocks_done) {
  const int64_t valid = step->n_valid;
  if (valid == p.skip) return;
  for (const int64_t part : block_stride(p.channels * p.parts)) {
    const int64_t c = part / p.parts;
    const auto [mean, inverse] = load_two(stats + 2 * c);
    const auto shift = static_cast<float>(mean);
    const auto scale = static_cast<float>(w ? w[c] * inverse : inverse);
    float products = 0, sum = 0;
    for (int64_t i = part % p.parts * kThreads + threadIdx.x; i < p.run; i += p.parts * kThreads) {
      const int64_t k = c * p.run + i;
      const float d = mask.y ? activate_grad(Activation::relu, mask.y[k], mask.dy[k]) : dz[k];
      if (mask.y) dz[k] = d;
      if (dx) dx[k] = scale * d;
      if (valid == p.batch || i % p.batch < valid) {
        products += d * (x[k] - shift);
        sum += d;
      }
    }
    put_sums((products - (mean - shift) * sum) * inverse, sum, sums, part, p);
  }
  if (!is_last_block(blocks_done)) return;
  for (int64_t c = threadIdx.x; c < p.channels; c += kThreads) end.finish(sums, p, c);
}

// As batch_norm_normalize_kernel: 12 bytes an element.
__global__ void batch_norm_grad_input_kernel(const float* dz, const float* x, const double* stats,
                                             const float* dweight, const float* dbias,
                                             const float* w, const StepState* step,
                                             int64_t positions, float* dx, Parts p) {
  if (step->n_valid == p.skip) return;
  const double n = fmax(static_cast<double>(step->n_valid * positions), 1.0);
  for (const int64_t c : row_stride(p.channels)) {
    const NormalizerGrad<float> map(n, stats[2 * c], stats[2 * c + 1], w, dweight[c], dbias[c], c);
    const int64_t at = c * p.run;
    map_elements([&](float v, float d) { return map(v, d); }, p.run, dx + at, x + at, dz + at);
  }
}

// One thread a channel: 8 bytes of running averages read, 16 of stats written.
__global__ void running_stats_kernel(const float* mean, const float* variance, double eps,
                                     double* stats, int64_t channels) {
  for (const int64_t c : grid_stride(channels)) {
    store_two(stats + 2 * c, {mean[c], 1 / sqrt(variance[c] + eps)});
  }
}

Grid per_part(const Parts& p, CudaContext& context) {
  return {.grid = blocks_for(p.channels * p.parts, 1), .block = kThreads, .stream = context.stream};
}
Grid per_channel(int64_t channels, CudaContext& context) {
  return {.grid = blocks_for(channels), .block = kThreads, .stream = context.stream};
}
Grid per_element(const Parts& p, CudaContext& context) {
  const dim3 blocks(blocks_for_elements(p.run).x, grid_rows(p.channels));
  return {.grid = blocks, .block = kThreads, .stream = context.stream};
}

/// The sums of x over parts, and what `end` makes of them.
void sum_parts(const Args& args, const Parts& p, double* sums, const StatsOf& end,
               CudaContext& context) {
  launch(batch_norm_sums_kernel, per_part(p, context), args.in[0].as<float>(), args.step, sums, p,
         end, context.blocks_done);
}

/// Inputs 1 and 2 are the running averages.
StatsOf stats_of(const Args& args, int64_t positions, const Tensor& stats) {
  return {.positions = positions,
          .eps = args.attrs->real(batch_norm_attr::eps),
          .momentum = args.attrs->real(batch_norm_attr::momentum),
          .running_mean = args.in[1].as<float>(),
          .running_var = args.in[2].as<float>(),
          .stats = stats.as<double>()};
}

/// The same from sums that are given: `parts` of a channel.
void finish_stats(const Args& args, const StatsOf& end, const double* sums, int64_t parts,
                  int64_t skip, CudaContext& context) {
  const int64_t channels = args.in[1].features;
  launch(batch_norm_stats_kernel, per_channel(channels, context), sums, parts, args.step, end,
         channels, skip);
}

/// `weight`: which input is the weight; bias and residual follow.
void normalize(const Args& args, const StatsSource& source, int weight, int act_attr,
               CudaContext& context, int64_t skip = kNeverSkip) {
  const Tensor& x = args.in[0];
  if (x.elements() == 0) return;
  const Parts p(x, skip);
  launch(batch_norm_normalize_kernel, per_element(p, context), x.as<float>(), source,
         args.in[weight].as<float>(), args.in[weight + 1].as<float>(),
         args.in[weight + 2].as<float>(), static_cast<Activation>(args.attrs->integer(act_attr)),
         args.out[0].as<float>(), args.step, p);
}

/// What the pass of the gradient's sums makes beside them, where it is given.
struct GradPass {
  ReluMask mask = {};
  float* dx = nullptr;  // weight / sqrt(variance + eps) dz
  const float* w = nullptr;
};

/// The gradient's sums in dweight and dbias, and in `totals`; their parts take the workspace.
void sum_gradients(const Args& args, const Parts& p, const double* stats, const Tensor& dweight,
                   const Tensor& dbias, float* totals, CudaContext& context,
                   const GradPass& also = {}) {
  const GradientsOf end{dweight.as<float>(), dbias.as<float>(), totals};
  launch(batch_norm_grad_sums_kernel, per_part(p, context), also.mask, args.in[0].as<float>(),
         args.in[1].as<float>(), stats, also.w, also.dx, args.step,
         static_cast<double*>(args.workspace), p, end, context.blocks_done);
}

void grad_input(const Args& args, const Parts& p, const float* dweight, const float* dbias,
                const float* w, CudaContext& context) {
  launch(batch_norm_grad_input_kernel, per_element(p, context), args.in[0].as<float>(),
         args.in[1].as<float>(), args.in[2].as<double>(), dweight, dbias, w, args.step,
         ChannelRuns(args.in[1]).positions, args.out[0].as<float>(), p);
}

}  // namespace

void batch_norm_own(const Args& args, CudaContext& context, int64_t skip) {
  const Tensor& x = args.in[0];
  if (x.features == 0) return;
  const StatsOf end = stats_of(args, ChannelRuns(x).positions, args.out[1]);
  if (x.elements() > 0)
    sum_parts(args, Parts(x, skip), static_cast<double*>(args.workspace), end, context);
  else
    finish_stats(args, end, nullptr, 0, skip, context);
  normalize(args, {.stats = end.stats}, 3, batch_norm_attr::activation, context, skip);
}

void batch_norm_cuda(const Args& args, CudaContext& context) {
  if (context.conv->batch_norm_by_cudnn()) return batch_norm_cudnn(args, context);
  batch_norm_own(args, context, kNeverSkip);
}

void batch_norm_inference_cuda(const Args& args, CudaContext& context) {
  if (context.conv->batch_norm_by_cudnn()) return batch_norm_inference_cudnn(args, context);
  normalize(args,
            {.mean = args.in[1].as<float>(),
             .variance = args.in[2].as<float>(),
             .eps = args.attrs->real(batch_norm_attr::eps)},
            3, batch_norm_attr::inference_activation, context);
}

void batch_norm_inference_grad_cuda(const Args& args, CudaContext& context) {
  if (args.in[1].elements() == 0) return;
  const Parts p(args.in[1]);
  auto* stats = static_cast<double*>(args.workspace) + 2 * p.channels * p.parts;
  launch(running_stats_kernel, per_channel(p.channels, context), args.in[2].as<float>(),
         args.in[3].as<float>(), args.attrs->real(batch_norm_attr::eps), stats, p.channels);
  sum_gradients(args, p, stats, args.out[1], args.out[2], nullptr, context,
                {.dx = args.out[0].as<float>(), .w = args.in[4].as<float>()});
}

void batch_norm_sums_cuda(const Args& args, CudaContext& context) {
  if (args.in[0].elements() == 0) return;
  const Parts p(args.in[0]);
  auto* parts = static_cast<double*>(args.workspace);
  sum_parts(args, p, parts, {}, context);
  launch(add_batch_norm_parts_kernel, per_channel(p.channels, context), parts,
         args.out[0].as<double>(), p.parts, p.channels);
}

void batch_norm_stats_cuda(const Args& args, CudaContext& context) {
  const StatsOf end = stats_of(args, args.attrs->integer(batch_norm_attr::positions), args.out[0]);
  finish_stats(args, end, args.in[0].as<double>(), 1, kNeverSkip, context);
}

void batch_norm_normalize_cuda(const Args& args, CudaContext& context) {
  normalize(args, {.stats = args.in[1].as<double>()}, 2, 0, context);
}

void batch_norm_grad_own(const Args& args, CudaContext& context, int64_t skip, ReluMask mask) {
  if (args.in[1].elements() == 0) return;
  const Parts p(args.in[1], skip);
  auto* totals =
      reinterpret_cast<float*>(static_cast<double*>(args.workspace) + 2 * p.channels * p.parts);
  sum_gradients(args, p, args.in[2].as<double>(), args.out[1], args.out[2], totals, context,
                {.mask = mask});
  grad_input(args, p, totals, totals + p.channels, args.in[3].as<float>(), context);
}

void batch_norm_grad_cuda(const Args& args, CudaContext& context) {
  if (context.conv->batch_norm_by_cudnn()) return batch_norm_grad_cudnn(args, context);
  batch_norm_grad_own(args, context, kNeverSkip);
}

void batch_norm_relu_grad_cuda(const Args& args, CudaContext& context) {
  const bool cudnn = context.conv->batch_norm_by_cudnn();
  const ReluMask mask{args.in[0].as<float>(), args.in[1].as<float>()};
  in_two_parts(
      args,
      [&](const Args& part) {
        if (cudnn) relu_grad_cuda(part, context);
      },
      [&](const Args& part) {
        cudnn ? batch_norm_grad_cudnn(part, context)
              : batch_norm_grad_own(part, context, kNeverSkip, mask);
      });
}

void batch_norm_grad_sums_cuda(const Args& args, CudaContext& context) {
  if (args.in[1].elements() == 0) return;
  sum_gradients(args, Parts(args.in[1]), args.in[2].as<double>(), args.out[0], args.out[1], nullptr,
                context);
}

void batch_norm_grad_input_cuda(const Args& args, CudaContext& context) {
  if (args.in[1].elements() == 0) return;
  grad_input(args, Parts(args.in[1]), args.in[3].as<float>(), args.in[4].as<float>(),
             args.in[5].as<float>(), context);
}

}  // namespace cairn
