// The gradient for the weights without a column matrix: dw[Cout][depth] += dy[Cout][columns]
// gathered[depth][columns]^T, a long sum for few results. Blocks share out the columns as well as
// the results; their sums lie in the workspace until the last block adds them up, in order, or,
// where they are many, a second kernel. The sum for the bias is one more row of the matrix, of
// ones.
//
// Bytes: dy is read once for every 64 rows of the matrix, x once for every tile of kRows channels
// of dy, KH KW / (Sh Sw) times within it, mostly from the caches; the sums are written and read
// once: DwParts::count times the size of dw.
#include <algorithm>

#include "core/cuda/last_block.cuh"
#include "core/cuda/launch.h"
#include "kernels/conv2d/conv2d_implicit.h"
#include "kernels/conv2d/gather.cuh"

namespace cairn {
namespace {

constexpr int kBlock = 128, kAcross = 16, kDown = kBlock / kAcross;  // threads
constexpr int kColumns = 32;          // columns of the matrix that a block holds at once
constexpr int kPitch = kColumns + 4;  // of a row of them in shared memory: without bank conflicts
constexpr int kTaps = DwParts::kTaps;
constexpr int kFewTotals = 4 * kBlock;  // so many are added up by one block

/// The convolution whose gradient is made, and how its columns are shared out.
struct Sums {
  Gather gather;
  int64_t n = 0, columns = 0;              // columns: OH OW n
  int groups = 1, rows = 0, channels = 0;  // of dy and of x, of a group
  int64_t parts = 1, columns_of_part = 0;  // a multiple of kColumns

  CAIRN_HD int depth() const { return channels * gather.kh * gather.kw; }
  CAIRN_HD int tap_tiles(bool bias) const { return (depth() + bias + kTaps - 1) / kTaps; }
};

/// Sums of parts that become dw and db: `parts` times the elements of dw, then those of db.
struct Totals {
  const float* sums = nullptr;
  int64_t parts = 0, of_dw = 0, of_db = 0;
  float *dw = nullptr, *db = nullptr;

  CAIRN_HD int64_t count() const { return of_dw + of_db; }
  /// Adds element i up, in order: 4 bytes read a part, 8 more.
  __device__ void add(int64_t i) const {
    const int64_t k = i - of_dw, apart = k < 0 ? of_dw : of_db;
    const float* const from = k < 0 ? sums + i : sums + parts * of_dw + k;
    float sum = 0;
    for (int64_t p = 0; p < parts; ++p) sum += from[p * apart];
    float& to = k < 0 ? dw[i] : db[k];
    to += sum;
  }
};

/// One thread an element.
__global__ void add_parts_kernel(Totals totals) {
  for (const int64_t i : grid_stride(totals.count())) totals.add(i);
}

__device__ float dot(const float4& a, const float4& b, float sum) {
  sum += a.x * b.x;
  sum += a.y * b.y;
  sum += a.z * b.z;
  return sum + a.w * b.w;
}

/// sums[part][group][row][k] = the part's share of dw, or += for the only part;
/// db[part][group][row] likewise, where it is given. blockIdx.x over parts and tiles of kTaps rows
/// of the matrix, blockIdx.y over the tiles of kRows rows of dy of all groups. With `blocks_done`
/// the last block makes the totals. `aligned`: n is a multiple of 4.
template <int kRows, bool aligned>
__global__ void implicit_dw_kernel(Sums s, const float* x, const float* dy, const StepState* step,
                                   int64_t first, float* sums, float* db, Totals totals,
                                   unsigned* blocks_done) {
  constexpr int kFours = kColumns / 4, kAtOnce = kBlock / kFours;  // what all threads load at once
  constexpr int kOfThread = kRows / kDown, kTapsOfThread = kTaps / kAcross;
  constexpr int kLeft = kRows / kAtOnce, kRight = kTaps / kAtOnce;
  CAIRN_SHARED(float4, left_memory, 2 * kRows * kPitch / 4);
  CAIRN_SHARED(float4, right_memory, 2 * kTaps * kPitch / 4);
  auto* const left = reinterpret_cast<float*>(left_memory);    // [2][kRows][kPitch]
  auto* const right = reinterpret_cast<float*>(right_memory);  // [2][kTaps][kPitch]
  const int thread = static_cast<int>(threadIdx.x);
  const int of_columns = thread % kFours, of_rows = thread / kFours;  // what it loads
  const int across = thread % kAcross, down = thread / kAcross;       // what it multiplies
  const int row_tiles = (s.rows + kRows - 1) / kRows, tap_tiles = s.tap_tiles(db);
  const int64_t valid = step->valid_lanes(first, s.n);
  for (const int64_t y : row_stride(int64_t{s.groups} * row_tiles)) {
    const int64_t group = y / row_tiles;
    const int row0 = static_cast<int>(y % row_tiles) * kRows;
    const float* const of_dy = dy + group * s.rows * s.columns;
    const float* const of_x = x + group * s.channels * s.gather.source_plane() * s.n;
    for (const int64_t b : block_stride(s.parts * tap_tiles)) {
      const int64_t part = b / tap_tiles;
      const int tap0 = static_cast<int>(b % tap_tiles) * kTaps;
      const int64_t begin = part * s.columns_of_part;
      const int64_t end = std::min(begin + s.columns_of_part, s.columns);
      Tap taps[kRight];
      CAIRN_UNROLL
      for (int i = 0; i < kRight; ++i) taps[i] = Tap::of(s.gather, tap0 + of_rows + i * kAtOnce);
      float4 next_left[kLeft], next_right[kRight];
      const auto fetch = [&](int64_t column) {
        const FourColumns<aligned> four(s.gather, column + of_columns * 4, end, s.n);
        CAIRN_UNROLL
        for (int i = 0; i < kLeft; ++i) {
          const int row = row0 + of_rows + i * kAtOnce;
          next_left[i] = four.load(of_dy + row * s.columns, valid, [&](const Place& at) {
            return row < s.rows ? int64_t{at.row} * s.gather.target_w + at.column : -1;
          });
        }
        CAIRN_UNROLL
        for (int i = 0; i < kRight; ++i)
          next_right[i] = four.load(
              of_x + taps[i].channel * s.gather.source_plane() * s.n, valid, [&](const Place& at) {
                return taps[i].channel < s.channels ? s.gather.pixel<false>(at, taps[i]) : -1;
              });
      };
      const auto keep = [&](int buffer) {
        CAIRN_UNROLL
        for (int i = 0; i < kLeft; ++i)
          store_four(left + (buffer * kRows + of_rows + i * kAtOnce) * kPitch + of_columns * 4,
                     next_left[i]);
        CAIRN_UNROLL
        for (int i = 0; i < kRight; ++i)
          store_four(right + (buffer * kTaps + of_rows + i * kAtOnce) * kPitch + of_columns * 4,
                     taps[i].channel < s.channels ? next_right[i] : float4{1, 1, 1, 1});
      };
      float of_thread[kOfThread][kTapsOfThread] = {};
      int buffer = 0;
      fetch(begin);
      keep(0);
      __syncthreads();
      for (int64_t column = begin; column < end; column += kColumns, buffer = 1 - buffer) {
        const bool more = column + kColumns < end;
        if (more) fetch(column + kColumns);
        CAIRN_UNROLL
        for (int c = 0; c < kFours; ++c) {
          float4 four[kTapsOfThread];
          CAIRN_UNROLL
          for (int t = 0; t < kTapsOfThread; ++t)
            four[t] = load_four(right + (buffer * kTaps + across + t * kAcross) * kPitch + c * 4);
          CAIRN_UNROLL
          for (int r = 0; r < kOfThread; ++r) {
            const float4 of_row =
                load_four(left + (buffer * kRows + down + r * kDown) * kPitch + c * 4);
            CAIRN_UNROLL
            for (int t = 0; t < kTapsOfThread; ++t)
              of_thread[r][t] = dot(of_row, four[t], of_thread[r][t]);
          }
        }
        if (more) keep(1 - buffer);
        __syncthreads();
      }
      CAIRN_UNROLL
      for (int r = 0; r < kOfThread; ++r) {
        const int row = row0 + down + r * kDown;
        if (row >= s.rows) break;
        float* const to = sums + ((part * s.groups + group) * s.rows + row) * s.depth();
        CAIRN_UNROLL
        for (int t = 0; t < kTapsOfThread; ++t) {
          const int tap = tap0 + across + t * kAcross;
          if (tap >= (db ? s.depth() + 1 : s.depth())) continue;
          float* const at =
              tap < s.depth() ? to + tap : db + (part * s.groups + group) * s.rows + row;
          *at = (s.parts == 1 ? *at : 0.0f) + of_thread[r][t];
        }
      }
    }
  }
  if (!blocks_done || !is_last_block(blocks_done)) return;
  for (int64_t i = threadIdx.x; i < totals.count(); i += kBlock) totals.add(i);
}

template <int kRows, bool aligned>
void launch_dw(const Sums& s, const Args& args, float* dw, float* db, const Totals& totals,
               unsigned* blocks_done, CudaContext& context) {
  const int64_t row_tiles = (s.rows + kRows - 1) / kRows;
  const dim3 blocks(blocks_for(s.parts * s.tap_tiles(db), 1).x, grid_rows(s.groups * row_tiles));
  launch(implicit_dw_kernel<kRows, aligned>,
         {.grid = blocks, .block = dim3(kBlock), .stream = context.stream}, s,
         args.in[0].as<float>(), args.in[1].as<float>(), args.step, args.first, dw, db, totals,
         blocks_done);
}

}  // namespace

void conv2d_dw_implicit(const Args& args, CudaContext& context) {
  const Tensor &x = args.in[0], &dy = args.in[1], &dw = args.out[0], &db = args.out[1];
  const ConvShape shape(x.shape, dw.shape, dy.shape, *args.attrs);
  const int64_t n = x.batch.width, parts = DwParts::count(shape, n);
  const int64_t columns = shape.oh * shape.ow * n;
  if (columns == 0) return;
  const int64_t of_part = (columns + parts - 1) / parts;
  const Sums s{.gather = Gather::forward(shape),
               .n = n,
               .columns = columns,
               .groups = static_cast<int>(shape.groups),
               .rows = static_cast<int>(shape.cout_group()),
               .channels = static_cast<int>(shape.cin_group()),
               .parts = parts,
               .columns_of_part = (of_part + kColumns - 1) / kColumns * kColumns};
  auto* const sums = static_cast<float*>(args.workspace);
  float* const to = parts == 1 ? dw.as<float>() : sums;
  float* const bias = db.elements() == 0 ? nullptr
                      : parts == 1       ? db.as<float>()
                                         : sums + parts * dw.elements();
  const Totals totals{.sums = sums,
                      .parts = parts,
                      .of_dw = dw.elements(),
                      .of_db = db.elements(),
                      .dw = dw.as<float>(),
                      .db = db.as<float>()};
  const bool few = totals.count() <= kFewTotals;
  unsigned* const done = parts > 1 && few ? context.blocks_done : nullptr;
  const int64_t rows = DwParts::rows(shape);
  if (!is_aligned(x, dy, n))
    launch_dw<32, false>(s, args, to, bias, totals, done, context);
  else if (rows == 16)
    launch_dw<16, true>(s, args, to, bias, totals, done, context);
  else if (rows == 32)
    launch_dw<32, true>(s, args, to, bias, totals, done, context);
  else
    launch_dw<64, true>(s, args, to, bias, totals, done, context);
  if (parts > 1 && !few)
    launch(add_parts_kernel,
           {.grid = blocks_for(totals.count()), .block = kThreads, .stream = context.stream},
           totals);
}

}  // namespace cairn
