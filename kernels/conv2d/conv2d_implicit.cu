// The same products as in conv2d.cu, without the column matrix in memory: each block gathers the
// columns of its tile into shared memory, a few rows ahead of the products (the implicit GEMM of
// Chetlur et al. 2014). A column is a place of the output and an example; examples lie innermost,
// so that four columns in a row are 16 bytes in memory wherever four divides N.
//
// Bytes: y is written once. The source is read once for every tile of kRows rows of the product,
// KH KW / (Sh Sw) times within it, of which the first-level and second-level caches serve all but
// the first. Flops: 2 depth Cout OH OW N, the floor of all but tiny convolutions.
#include "kernels/conv2d/conv2d_implicit.h"

#include "core/cuda/launch.h"
#include "kernels/conv2d/gather.cuh"
#include "kernels/unary/unary.h"

namespace cairn {
namespace {

constexpr int kBlock = 128;  // threads
constexpr int kDepth = 8;    // rows of the columns that a block holds at once

/// What a block makes at once. A thread makes 8 columns in two runs of 4, and as many rows as that
/// leaves: 4 or 8.
template <int rows, int columns>
struct Tile {
  static constexpr int kRows = rows, kColumns = columns;
  static constexpr int kAcross = columns / 8, kDown = kBlock / kAcross;  // threads
  static constexpr int kOfThread = rows / kDown;                         // rows
  static constexpr int kPitch = rows + 4;  // of weights in shared memory: without bank conflicts
  static_assert(kOfThread % 4 == 0 && columns % (4 * kAcross) == 0);
};

/// One of the products target[rows][columns] = weights[rows][depth] gathered[depth][columns], for
/// each group.
struct Product {
  Gather gather;
  int64_t n = 0, columns = 0;              // columns: places of the target, times n
  int groups = 1, rows = 0, channels = 0;  // of the target and of the source, of a group

  CAIRN_HD int kernel() const { return gather.kh * gather.kw; }
  CAIRN_HD int depth() const { return channels * kernel(); }
};

/// Element (row, k) of a group's weights as this product takes them, where both exist.
template <bool backward>
__device__ float weight_at(const Product& p, const float* weights, int row, int k) {
  if (row >= p.rows || k >= p.depth()) return 0;
  if constexpr (!backward) return weights[int64_t{row} * p.depth() + k];
  const int channel = k / p.kernel(), element = k - channel * p.kernel();
  return weights[(int64_t{channel} * p.rows + row) * p.kernel() + element];
}

/// row[at...] = four, as far as `end`.
template <bool aligned>
__device__ void store_columns(float* row, int64_t at, int64_t end, const float* four) {
  if constexpr (aligned) {
    if (at < end) store_four(row + at, {four[0], four[1], four[2], four[3]});
  } else {
    CAIRN_UNROLL
    for (int e = 0; e < 4; ++e)
      if (at + e < end) row[at + e] = four[e];
  }
}

/// conv2d, or backward conv2d_dx. blockIdx.x over tiles of columns, blockIdx.y over the tiles of
/// rows of all groups. While one stage of kDepth rows of the columns is multiplied, the next one is
/// on its way from memory. `aligned`: n is a multiple of 4.
template <class T, bool backward, bool aligned>
__global__ void implicit_product_kernel(Product p, const float* source, const float* weights,
                                        const float* bias, Activation activation, float* target) {
  constexpr int kFours = T::kColumns / 4, kAtOnce = kBlock / kFours, kPasses = kDepth / kAtOnce;
  constexpr int kWeights = kDepth * T::kRows / kBlock;
  CAIRN_SHARED(float4, left_memory, 2 * kDepth * T::kPitch / 4);
  CAIRN_SHARED(float4, right_memory, 2 * kDepth * kFours);
  auto* const left = reinterpret_cast<float*>(left_memory);    // [2][kDepth][kPitch]
  auto* const right = reinterpret_cast<float*>(right_memory);  // [2][kDepth][kColumns]
  const int thread = static_cast<int>(threadIdx.x);
  const int of_columns = thread % kFours * 4, of_depth = thread / kFours;  // what it gathers
  const int across = thread % T::kAcross, down = thread / T::kAcross;      // what it multiplies
  const int row_tiles = (p.rows + T::kRows - 1) / T::kRows;
  const int stages = (p.depth() + kDepth - 1) / kDepth;
  for (const int64_t y : row_stride(int64_t{p.groups} * row_tiles)) {
    const int64_t group = y / row_tiles;
    const int row0 = static_cast<int>(y % row_tiles) * T::kRows;
    const float* const of_group = weights + group * p.rows * p.depth();
    const float* const from = source + group * p.channels * p.gather.source_plane() * p.n;
    for (const int64_t column0 : block_stride(p.columns, T::kColumns)) {
      const FourColumns<aligned> four(p.gather, column0 + of_columns, p.columns, p.n);
      Tap tap = Tap::of(p.gather, of_depth);
      float4 next_right[kPasses];
      float next_left[kWeights];
      const auto fetch = [&](int stage) {
        CAIRN_UNROLL
        for (int i = 0; i < kPasses; ++i) {
          next_right[i] = four.load(
              from + tap.channel * p.gather.source_plane() * p.n, p.n, [&](const Place& at) {
                return tap.channel < p.channels ? p.gather.pixel<backward>(at, tap) : -1;
              });
          tap.advance(p.gather, kAtOnce);
        }
        CAIRN_UNROLL
        for (int i = 0; i < kWeights; ++i)
          next_left[i] = weight_at<backward>(p, of_group, row0 + (thread + i * kBlock) / kDepth,
                                             stage * kDepth + thread % kDepth);
      };
      const auto keep = [&](int buffer) {
        CAIRN_UNROLL
        for (int i = 0; i < kPasses; ++i)
          store_four(right + (buffer * kDepth + of_depth + i * kAtOnce) * T::kColumns + of_columns,
                     next_right[i]);
        CAIRN_UNROLL
        for (int i = 0; i < kWeights; ++i)
          left[(buffer * kDepth + thread % kDepth) * T::kPitch + (thread + i * kBlock) / kDepth] =
              next_left[i];
      };
      float sums[T::kOfThread][8] = {};
      fetch(0);
      keep(0);
      __syncthreads();
      for (int stage = 0; stage < stages; ++stage) {
        const int buffer = stage % 2;
        if (stage + 1 < stages) fetch(stage + 1);
        CAIRN_UNROLL
        for (int k = 0; k < kDepth; ++k) {
          const int row = buffer * kDepth + k;
          const float4 low = load_four(right + (row * kFours + across) * 4);
          const float4 high = load_four(right + (row * kFours + T::kAcross + across) * 4);
          const float factors[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
          CAIRN_UNROLL
          for (int r = 0; r < T::kOfThread; r += 4) {
            const float4 some = load_four(left + row * T::kPitch + down * T::kOfThread + r);
            const float of_rows[4] = {some.x, some.y, some.z, some.w};
            CAIRN_UNROLL
            for (int e = 0; e < 4; ++e) {
              CAIRN_UNROLL
              for (int c = 0; c < 8; ++c) sums[r + e][c] += of_rows[e] * factors[c];
            }
          }
        }
        if (stage + 1 < stages) keep(1 - buffer);
        __syncthreads();
      }
      CAIRN_UNROLL
      for (int r = 0; r < T::kOfThread; ++r) {
        const int row = row0 + down * T::kOfThread + r;
        if (row >= p.rows) break;
        const float b = bias ? bias[group * p.rows + row] : 0.0f;
        float* const to = target + (group * p.rows + row) * p.columns;
        CAIRN_UNROLL
        for (int half = 0; half < 2; ++half) {
          const int64_t column = column0 + (half * T::kAcross + across) * 4;
          float* const four_sums = sums[r] + half * 4;
          if constexpr (!backward) {
            CAIRN_UNROLL
            for (int e = 0; e < 4; ++e) four_sums[e] = activate(activation, four_sums[e] + b);
          }
          store_columns<aligned>(to, column, p.columns, four_sums);
        }
      }
    }
  }
}

template <class T, bool backward, bool aligned>
void launch_product(const Product& p, const Args& args, const float* bias, Activation activation,
                    CudaContext& context) {
  const int64_t row_tiles = (p.rows + T::kRows - 1) / T::kRows;
  const dim3 blocks(blocks_for(p.columns, T::kColumns).x, grid_rows(p.groups * row_tiles));
  launch(implicit_product_kernel<T, backward, aligned>,
         {.grid = blocks, .block = dim3(kBlock), .stream = context.stream}, p,
         args.in[0].as<float>(), args.in[1].as<float>(), bias, activation, args.out[0].as<float>());
}

/// With the tile that wastes the fewest rows.
template <bool backward>
void product(const Product& p, const Args& args, const float* bias, Activation activation,
             CudaContext& context) {
  if (!is_aligned(args.in[0], args.out[0], p.n))
    launch_product<Tile<32, 256>, backward, false>(p, args, bias, activation, context);
  else if (p.rows <= 16)
    launch_product<Tile<16, 256>, backward, true>(p, args, bias, activation, context);
  else if (p.rows <= 32)
    launch_product<Tile<32, 256>, backward, true>(p, args, bias, activation, context);
  else
    launch_product<Tile<64, 128>, backward, true>(p, args, bias, activation, context);
}

}  // namespace

void conv2d_implicit(const Args& args, CudaContext& context) {
  const Tensor &x = args.in[0], &w = args.in[1], &b = args.in[2], &y = args.out[0];
  const ConvShape s(x.shape, w.shape, y.shape, *args.attrs);
  const Product p{.gather = Gather::forward(s),
                  .n = y.batch.width,
                  .columns = s.oh * s.ow * y.batch.width,
                  .groups = static_cast<int>(s.groups),
                  .rows = static_cast<int>(s.cout_group()),
                  .channels = static_cast<int>(s.cin_group())};
  product<false>(p, args, b.as<float>(),
                 static_cast<Activation>(args.attrs->integer(conv2d_attr::activation)), context);
}

void conv2d_dx_implicit(const Args& args, CudaContext& context) {
  const Tensor &dy = args.in[0], &w = args.in[1], &dx = args.out[0];
  const ConvShape s(dx.shape, w.shape, dy.shape, *args.attrs);
  const Product p{.gather = Gather::backward(s),
                  .n = dx.batch.width,
                  .columns = s.h * s.w * dx.batch.width,
                  .groups = static_cast<int>(s.groups),
                  .rows = static_cast<int>(s.cin_group()),
                  .channels = static_cast<int>(s.cout_group())};
  product<true>(p, args, nullptr, Activation::none, context);
}

}  // namespace cairn
