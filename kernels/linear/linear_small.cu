// The layer's products where they are so small that launches count (linear_is_small): each in one
// kernel, with bias and activation where it writes. The sum for a bias is one more column of dw:
// the bias is the weight of an input that is always one.
#include "core/cuda/arch/four_floats.h"
#include "core/cuda/launch.h"
#include "kernels/linear/linear.h"
#include "kernels/linear/linear_small.h"
#include "kernels/unary/unary.h"

namespace cairn {
namespace {

constexpr int kRows = 8, kColumns = 32, kWarps = 8;  // of a block; a lane has a column
constexpr int kDepth = 16;          // terms of the sums that a warp takes at a time
constexpr int kPitch = kDepth + 4;  // of a row of them in shared memory: without bank conflicts
constexpr int kAtOnce = kColumns / kDepth;  // such rows that a warp loads at once

enum class Way { forward, dx, dw };

/// result[rows][columns] = sum over `terms` of left times right. Forward and for dw the terms of a
/// row lie side by side in `left`, for dw those of a column in `right`; else rows or columns do.
struct Product {
  const float *left = nullptr, *right = nullptr;
  int rows = 0, columns = 0, terms = 0;
  const float* beside = nullptr;  // forward: the bias, or none; dx: the activation's output
  Activation activation = Activation::none;
  float* result = nullptr;
  float* db = nullptr;  // dw: the last column goes there, if anywhere
};

/// Row of the j-th load of rows of kDepth terms: half a warp loads one, four rows apart, which
/// other banks hold.
__device__ int loaded_row(int lane, int j) { return j / 4 * 8 + j % 4 + lane / kDepth * 4; }

/// What a warp sums at a time, on its way from memory.
template <Way way>
struct Stage {
  static constexpr int kLeft = kRows / kAtOnce,
                       kRight = way == Way::dw ? kColumns / kAtOnce : kDepth;
  float left[kLeft], right[kRight];

  /// The terms from `k` on; from `end` on they are zero.
  __device__ Stage(const Product& p, int row0, int column0, int lane, int k, int end) {
    CAIRN_UNROLL
    for (int j = 0; j < kLeft; ++j) {
      const int row = row0 + left_row(lane, j), term = k + left_term(lane, j);
      const int at = way == Way::dx ? term * p.rows + row : row * p.terms + term;
      left[j] = row < p.rows && term < end ? p.left[at] : 0.0f;
    }
    CAIRN_UNROLL
    for (int j = 0; j < kRight; ++j) {
      if constexpr (way == Way::dw) {
        const int column = column0 + loaded_row(lane, j), term = k + lane % kDepth;
        const int inputs = p.db ? p.columns - 1 : p.columns;
        right[j] = term >= end || column >= p.columns ? 0.0f
                   : column < inputs                  ? p.right[column * p.terms + term]
                                                      : 1.0f;
      } else {
        const int column = column0 + lane, term = k + j;
        right[j] = column < p.columns && term < end ? p.right[term * p.columns + column] : 0.0f;
      }
    }
  }

  __device__ static int left_row(int lane, int j) {
    return way == Way::dx ? lane % kRows : loaded_row(lane, j);
  }
  __device__ static int left_term(int lane, int j) {
    return way == Way::dx ? j * (kColumns / kRows) + lane / kRows : lane % kDepth;
  }

  /// To the warp's shared memory: [kRows][kPitch] and, for dw, [kColumns][kPitch].
  __device__ void keep(int lane, float* rows, float* columns) const {
    CAIRN_UNROLL
    for (int j = 0; j < kLeft; ++j) rows[left_row(lane, j) * kPitch + left_term(lane, j)] = left[j];
    if constexpr (way == Way::dw) {
      CAIRN_UNROLL
      for (int j = 0; j < kRight; ++j)
        columns[loaded_row(lane, j) * kPitch + lane % kDepth] = right[j];
    }
  }

  /// Terms t to t + 3 of the lane's column.
  __device__ float4 of_column(const float* columns, int lane, int t) const {
    if constexpr (way == Way::dw)
      return load_four(columns + lane * kPitch + t);
    else
      return {right[t], right[t + 1], right[t + 2], right[t + 3]};
  }
};

/// Writes one result.
template <Way way>
__device__ void finish(const Product& p, int row, int column, float sum) {
  if (row >= p.rows || column >= p.columns) return;
  const int at = row * p.columns + column;
  if constexpr (way == Way::forward)
    p.result[at] = activate(p.activation, sum + (p.beside ? p.beside[row] : 0.0f));
  if constexpr (way == Way::dx)
    p.result[at] = p.beside ? activate_grad(p.activation, p.beside[at], sum) : sum;
  if constexpr (way == Way::dw) {
    const int inputs = p.db ? p.columns - 1 : p.columns;
    float& to = column < inputs ? p.result[row * inputs + column] : p.db[row];
    to += sum;
  }
}

/// A block makes kRows x kColumns results; its warps share out the terms, and their sums are added
/// in order. Bytes: `left` once for every 32 columns, `right` once for every 8 rows, mostly from
/// the caches; the results once.
template <Way way>
__global__ void small_product_kernel(Product p, const StepState* step, int64_t first) {
  constexpr int kOfWarp = way == Way::dw ? kColumns * kPitch : kRows * kColumns;
  CAIRN_SHARED(float4, left_memory, kWarps * kRows * kPitch / 4);
  CAIRN_SHARED(float4, right_memory, kWarps * kOfWarp / 4);  // columns, then the warps' sums
  const int lane = static_cast<int>(threadIdx.x), warp = static_cast<int>(threadIdx.y);
  auto* const rows = reinterpret_cast<float*>(left_memory) + warp * kRows * kPitch;
  auto* const all = reinterpret_cast<float*>(right_memory);
  auto* const columns = all + warp * kOfWarp;
  const int end = way == Way::dw ? static_cast<int>(step->valid_lanes(first, p.terms)) : p.terms;
  const int across = (p.columns + kColumns - 1) / kColumns, down = (p.rows + kRows - 1) / kRows;
  for (const int64_t tile : block_stride(int64_t{across} * down)) {
    const int row0 = static_cast<int>(tile / across) * kRows;
    const int column0 = static_cast<int>(tile % across) * kColumns;
    float sums[kRows] = {};
    for (int k = warp * kDepth; k < end; k += kWarps * kDepth) {
      const Stage<way> stage(p, row0, column0, lane, k, end);
      stage.keep(lane, rows, columns);
      __syncwarp();
      CAIRN_UNROLL
      for (int t = 0; t < kDepth; t += 4) {
        const float4 b = stage.of_column(columns, lane, t);
        CAIRN_UNROLL
        for (int r = 0; r < kRows; ++r) {
          const float4 a = load_four(rows + r * kPitch + t);
          sums[r] += a.x * b.x;
          sums[r] += a.y * b.y;
          sums[r] += a.z * b.z;
          sums[r] += a.w * b.w;
        }
      }
      __syncwarp();
    }
    CAIRN_UNROLL
    for (int r = 0; r < kRows; ++r) columns[r * kColumns + lane] = sums[r];
    __syncthreads();
    float sum = 0;
    CAIRN_UNROLL
    for (int w = 0; w < kWarps; ++w) sum += all[w * kOfWarp + warp * kColumns + lane];
    finish<way>(p, row0 + warp, column0 + lane, sum);
    __syncthreads();
  }
}
static_assert(kRows == kWarps, "a warp finishes a row");

template <Way way>
void launch_product(const Product& p, const Args& args, CudaContext& context) {
  if (p.rows == 0 || p.columns == 0) return;
  const int64_t tiles =
      int64_t{(p.columns + kColumns - 1) / kColumns} * ((p.rows + kRows - 1) / kRows);
  launch(small_product_kernel<way>,
         {.grid = blocks_for(tiles, 1), .block = dim3(kColumns, kWarps), .stream = context.stream},
         p, args.step, args.first);
}

/// Forward and dx alike: input 0 (in,N), the weight, and what `beside` is make output 0 (out,N).
template <Way way>
void per_example(const Args& args, CudaContext& context) {
  const Tensor &x = args.in[0], &y = args.out[0];
  const Product p{
      .left = args.in[1].as<float>(),
      .right = x.as<float>(),
      .rows = static_cast<int>(y.features),
      .columns = static_cast<int>(y.batch.width),
      .terms = static_cast<int>(x.features),
      .beside = args.in[2].as<float>(),
      .activation = static_cast<Activation>(args.attrs->integer(linear_attr::activation)),
      .result = y.as<float>()};
  launch_product<way>(p, args, context);
}

}  // namespace

void linear_small(const Args& args, CudaContext& context) {
  per_example<Way::forward>(args, context);
}

void linear_dx_small(const Args& args, CudaContext& context) {
  per_example<Way::dx>(args, context);
}

void linear_dw_small(const Args& args, CudaContext& context) {
  const Tensor& x = args.in[0];    // (in,N)
  const Tensor& dy = args.in[1];   // (out,N)
  const Tensor& dw = args.out[0];  // (out,in)
  const Tensor& db = args.out[1];  // (out), or (0)
  const bool bias = db.elements() > 0;
  const Product p{.left = dy.as<float>(),
                  .right = x.as<float>(),
                  .rows = static_cast<int>(dy.features),
                  .columns = static_cast<int>(x.features) + (bias ? 1 : 0),
                  .terms = static_cast<int>(x.batch.width),
                  .result = dw.as<float>(),
                  .db = bias ? db.as<float>() : nullptr};
  launch_product<Way::dw>(p, args, context);
}

}  // namespace cairn
