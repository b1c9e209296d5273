// On CUDA the batch is one slice: element k of row r of example n lies at (r size + k) N + n, so
// rows are columns of memory, side by side along the batch.
#include "core/cuda/arch/four_floats.h"
#include "core/cuda/block_sum.cuh"
#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/bias/bias.h"
#include "kernels/layer_norm/layer_norm.h"

namespace cairn {
namespace {

constexpr int kTurns = kThreads / kNormColumns;

/// Two sums of a column, in double: cheap beside its bytes.
struct TwoSums {
  double first = 0, second = 0;

  __device__ void add(const TwoSums& other) { first += other.first, second += other.second; }
};

/// The terms e and e^2 of x about the column's first value.
struct Moments {
  const float* x;

  /// A function of an element's place in memory and in the column.
  __device__ auto of(const Columns& shape, int64_t c) const {
    const float* from = x;
    const double shift = x[shape.begin(c)];
    return [from, shift](int64_t i, int64_t) {
      const double e = from[i] - shift;
      return TwoSums{e, e * e};
    };
  }
};

/// The terms g and g xh.
struct GradMoments {
  const float *dy, *x, *stats, *w;

  __device__ float slope(int64_t i, int64_t k) const { return w ? dy[i] * w[k] : dy[i]; }
  __device__ auto of(const LayerNormShape& shape, int64_t c) const {
    const GradMoments self = *this;
    const RowStats<float> row(stats + shape.stats(shape.begin(c)), shape.stride);
    return [self, row](int64_t i, int64_t k) {
      const double g = self.slope(i, k);
      return TwoSums{g, g * row.normalized(self.x[i])};
    };
  }
};

// A block sums part p of kNormColumns columns, a warp one element of each at a time, coalesced
// along the batch: reads 4 bytes an element, 8 for GradMoments. sums: [parts][2][columns].
template <class Terms>
__global__ void column_sums_kernel(LayerNormShape shape, Terms terms, double* sums, int64_t parts) {
  CAIRN_SHARED(double, first, kThreads);
  CAIRN_SHARED(double, second, kThreads);
  const int64_t columns = shape.count(), tiles = (columns + kNormColumns - 1) / kNormColumns;
  const int lane = static_cast<int>(threadIdx.x) % kNormColumns;
  const int turn = static_cast<int>(threadIdx.x) / kNormColumns;
  for (const int64_t b : block_stride(tiles * parts)) {
    const int64_t c = b / parts * kNormColumns + lane, part = b % parts;
    TwoSums total;
    if (c < columns) {
      const int64_t begin = shape.begin(c);
      const auto term = terms.of(shape, c);
      for (int64_t k = part * kTurns + turn; k < shape.size; k += parts * kTurns)
        total.add(term(begin + k * shape.stride, k));
    }
    __syncthreads();  // the sums of the round before may still be read
    first[threadIdx.x] = total.first;
    second[threadIdx.x] = total.second;
    __syncthreads();
    if (turn > 0 || c >= columns) continue;
    for (int t = lane + kNormColumns; t < kThreads; t += kNormColumns)
      total.add({first[t], second[t]});
    sums[2 * part * columns + c] = total.first;
    sums[(2 * part + 1) * columns + c] = total.second;
  }
}

// One thread a column: adds up its parts in order, 16 bytes each, and writes 12 of stats. Since the
// first of the n terms e is 0, the variance is at least 1/n of the mean of e^2: no rounding makes
// it negative.
__global__ void layer_norm_stats_kernel(LayerNormShape shape, const float* x, const double* sums,
                                        int64_t parts, double eps, float* stats) {
  const int64_t columns = shape.count();
  const double n = static_cast<double>(shape.size);
  for (const int64_t c : grid_stride(columns)) {
    TwoSums total;
    for (int64_t p = 0; p < parts; ++p)
      total.add({sums[2 * p * columns + c], sums[(2 * p + 1) * columns + c]});
    const int64_t begin = shape.begin(c);
    const double offset = total.first / n, variance = total.second / n - offset * offset;
    const RowStats<float> row(x[begin] + offset, variance, eps);
    row.store(stats + shape.stats(begin), shape.stride);
  }
}

// One thread an element, coalesced: 4 bytes read and 4 written; stats and weights are cached.
__global__ void layer_norm_kernel(LayerNormShape shape, const float* x, const float* stats,
                                  const float* w, const float* b, float* y) {
  for (const int64_t i : grid_stride(shape.count() * shape.size)) {
    const int64_t k = i / shape.stride % shape.size;
    const float z = RowStats<float>(stats + shape.stats(i), shape.stride).normalized(x[i]);
    y[i] = z * (w ? w[k] : 1.0f) + (b ? b[k] : 0.0f);
  }
}

// One thread a sum of a column adds its parts in order to the first: 8 bytes read a part.
__global__ void add_column_parts_kernel(double* sums, int64_t parts, int64_t count) {
  for (const int64_t i : grid_stride(count)) {
    double total = sums[i];
    for (int64_t p = 1; p < parts; ++p) total += sums[p * count + i];
    sums[i] = total;
  }
}

// One thread an element, coalesced: 8 bytes read and 4 written; stats, sums and weights are cached.
__global__ void layer_norm_grad_kernel(LayerNormShape shape, GradMoments in, const double* sums,
                                       float* dx) {
  const int64_t columns = shape.count();
  const double n = static_cast<double>(shape.size);
  for (const int64_t i : grid_stride(columns * shape.size)) {
    const int64_t row = i / shape.stride / shape.size, c = row * shape.stride + i % shape.stride;
    const int64_t k = i / shape.stride % shape.size;
    const RowStats<float> stats(in.stats + shape.stats(i), shape.stride);
    const float mean = static_cast<float>(sums[c] / n);
    const float factor = static_cast<float>(sums[columns + c] / n);
    dx[i] = (in.slope(i, k) - mean - stats.normalized(in.x[i]) * factor) * stats.inverse;
  }
}

// A block sums part p of the gradients of element k of the rows: its threads take the element in
// rows and examples p kThreads + t and on in steps of parts kThreads, coalesced along the batch.
// Reads 8 bytes an element; stats are cached.
__global__ void layer_norm_grad_sums_kernel(LayerNormShape shape, GradMoments in,
                                            const StepState* step, double* sums, int64_t parts) {
  const int64_t valid = step->n_valid;
  for (const int64_t part : block_stride(shape.size * parts)) {
    const int64_t k = part / parts;
    TwoSums total;
    for (int64_t c = part % parts * kThreads + threadIdx.x; c < shape.count();
         c += parts * kThreads) {
      if (c % shape.stride >= valid) continue;
      const int64_t i = shape.begin(c) + k * shape.stride;
      const RowStats<float> row(in.stats + shape.stats(i), shape.stride);
      const double g = in.dy[i];
      total.add({g * row.normalized(in.x[i]), g});
    }
    const double products = block_sum(total.first), sum = block_sum(total.second);
    if (threadIdx.x == 0) store_two(sums + 2 * (part % parts * shape.size + k), {products, sum});
  }
}

// One thread an element of a row adds its parts in order, 16 bytes each, to the gradients.
__global__ void layer_norm_grad_finish_kernel(const double* sums, int64_t parts, float* dweight,
                                              float* dbias, int64_t size) {
  for (const int64_t k : grid_stride(size)) {
    TwoSums total;
    for (int64_t p = 0; p < parts; ++p) {
      const double2 part = load_two(sums + 2 * (p * size + k));
      total.add({part.x, part.y});
    }
    dweight[k] += static_cast<float>(total.first);
    dbias[k] += static_cast<float>(total.second);
  }
}

Grid threads_for(int64_t n, CudaContext& context) {
  return {.grid = blocks_for(n), .block = kThreads, .stream = context.stream};
}
Grid blocks_of(int64_t n, CudaContext& context) {
  return {.grid = blocks_for(n, 1), .block = kThreads, .stream = context.stream};
}

/// Sums of the columns' parts in the workspace; returns how many parts there are.
template <class Terms>
int64_t sum_columns(const Args& args, const LayerNormShape& shape, const Terms& terms,
                    CudaContext& context) {
  const int64_t parts = layer_norm_parts(shape.count(), shape.size);
  const int64_t tiles = (shape.count() + kNormColumns - 1) / kNormColumns;
  launch(column_sums_kernel<Terms>, blocks_of(tiles * parts, context), shape, terms,
         static_cast<double*>(args.workspace), parts);
  return parts;
}

GradMoments grad_moments(const Args& args, const float* w) {
  return {args.in[0].as<float>(), args.in[1].as<float>(), args.in[2].as<float>(), w};
}

}  // namespace

void layer_norm_cuda(const Args& args, CudaContext& context) {
  const Tensor& x = args.in[0];
  if (x.elements() == 0) return;
  const LayerNormShape shape(args, x);
  const int64_t parts = sum_columns(args, shape, Moments{x.as<float>()}, context);
  float* stats = args.out[1].as<float>();
  launch(layer_norm_stats_kernel, threads_for(shape.count(), context), shape, x.as<float>(),
         static_cast<double*>(args.workspace), parts, args.attrs->real(layer_norm_attr::eps),
         stats);
  launch(layer_norm_kernel, threads_for(x.elements(), context), shape, x.as<float>(), stats,
         args.in[1].as<float>(), args.in[2].as<float>(), args.out[0].as<float>());
}

void layer_norm_grad_cuda(const Args& args, CudaContext& context) {
  const Tensor& x = args.in[1];
  if (x.elements() == 0) return;
  const LayerNormShape shape(args, x);
  const GradMoments in = grad_moments(args, args.in[3].as<float>());
  const int64_t parts = sum_columns(args, shape, in, context), sums = 2 * shape.count();
  auto* workspace = static_cast<double*>(args.workspace);
  if (parts > 1)
    launch(add_column_parts_kernel, threads_for(sums, context), workspace, parts, sums);
  launch(layer_norm_grad_kernel, threads_for(x.elements(), context), shape, in, workspace,
         args.out[0].as<float>());
}

void layer_norm_grad_sums_cuda(const Args& args, CudaContext& context) {
  const Tensor& x = args.in[1];
  if (x.elements() == 0) return;
  const LayerNormShape shape(args, x);
  const int64_t parts = bias_grad_parts(shape.size, shape.count());
  auto* sums = static_cast<double*>(args.workspace);
  launch(layer_norm_grad_sums_kernel, blocks_of(shape.size * parts, context), shape,
         grad_moments(args, nullptr), args.step, sums, parts);
  launch(layer_norm_grad_finish_kernel, threads_for(shape.size, context), sums, parts,
         args.out[0].as<float>(), args.out[1].as<float>(), shape.size);
}

}  // namespace cairn
