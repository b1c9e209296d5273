// Register tiles of kTileRows rows and two vectors of columns. A task is a block of y: it packs
// panels of op(b), kDepthRun rows of one tile's columns with zeros beyond the last, and takes the
// block's rows through each. Every element is summed in the order of k, run by run.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matmul/matmul_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include <algorithm>

#include "kernels/linear/product-inl.h"
#include "kernels/matmul/matmul.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

constexpr int64_t kRowRun = 64, kDepthRun = 256;  // rows of y and of op(b) that a block takes
constexpr int64_t kMostColumns = 2 * HWY_MAX_BYTES / sizeof(float);

/// The rows [k, k + depth) of a panel and kRows rows of y.
struct MatmulTile {
  int64_t depth = 0, columns = 0;  // columns that exist
  int64_t a_row = 0, a_column = 0, y_row = 0;
  bool adds = false;  // to the runs of k before
};

/// y[r][j] (+)= sum over k of a[r][k] panel[k][j].
template <int kRows, class D>
HWY_NOINLINE void matmul_tile(D d, const MatmulTile& t, const float* a, const float* panel,
                              float* y) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto here = [&](int64_t v) HWY_ATTR {
    return hn::FirstN(d, static_cast<size_t>(std::clamp<int64_t>(t.columns - v * lanes, 0, lanes)));
  };
  const hn::Mask<D> mask[2] = {here(0), here(1)};
  hn::Vec<D> sum[kRows][2];
  CAIRN_UNROLL for (int r = 0; r < kRows; ++r) CAIRN_UNROLL for (int v = 0; v < 2; ++v) sum[r][v] =
      t.adds ? hn::MaskedLoad(mask[v], d, y + r * t.y_row + v * lanes) : hn::Zero(d);
  for (int64_t k = 0; k < t.depth; ++k, a += t.a_column, panel += 2 * lanes) {
    auto b0 = hn::LoadU(d, panel), b1 = hn::LoadU(d, panel + lanes);
    keep_in_register(b0);
    keep_in_register(b1);
    CAIRN_UNROLL for (int r = 0; r < kRows; ++r) {
      const auto weight = hn::Set(d, a[r * t.a_row]);
      sum[r][0] = hn::MulAdd(weight, b0, sum[r][0]);
      sum[r][1] = hn::MulAdd(weight, b1, sum[r][1]);
    }
  }
  CAIRN_UNROLL for (int r = 0; r < kRows; ++r) CAIRN_UNROLL for (int v = 0; v < 2; ++v)
      hn::BlendedStore(sum[r][v], mask[v], d, y + r * t.y_row + v * lanes);
}

template <class D>
using MatmulTileFn = void (*)(D, const MatmulTile&, const float*, const float*, float*);

/// The tile for `rows` rows, 1 to kTileRows.
template <class D, int kRows = kTileRows>
MatmulTileFn<D> matmul_tile_for(int64_t rows) {
  if constexpr (kRows > 1)
    if (rows < kRows) return matmul_tile_for<D, kRows - 1>(rows);
  return matmul_tile<kRows, D>;
}

/// `depth` rows of `columns` columns of op(b), `step` apart and zero up to there.
void pack_panel(const MatmulShape& s, const float* b, int64_t depth, int64_t columns, int64_t step,
                float* panel) {
  if (s.b_column == 1) {
    for (int64_t k = 0; k < depth; ++k) std::copy_n(b + k * s.b_row, columns, panel + k * step);
  } else {
    for (int64_t j = 0; j < columns; ++j)
      for (int64_t k = 0; k < depth; ++k) panel[k * step + j] = b[j * s.b_column + k * s.b_row];
  }
  for (int64_t k = 0; k < depth; ++k)
    std::fill(panel + k * step + columns, panel + (k + 1) * step, 0.0f);
}

/// `rows` rows and `columns` columns, at most a tile's, of one product.
template <class D>
void matmul_block(D d, const MatmulShape& s, const float* a, const float* b, float* y, int64_t rows,
                  int64_t columns) {
  HWY_ALIGN float panel[kDepthRun * kMostColumns];
  const int64_t step = 2 * static_cast<int64_t>(hn::Lanes(d));
  MatmulTile tile{0, columns, s.a_row, s.a_column, s.n, false};
  for (int64_t k = 0; k == 0 || k < s.k; k += kDepthRun) {
    tile.depth = std::min(kDepthRun, s.k - k);
    tile.adds = k > 0;
    pack_panel(s, b + k * s.b_row, tile.depth, columns, step, panel);
    for (int64_t r = 0; r < rows; r += kTileRows)
      matmul_tile_for<D>(std::min<int64_t>(kTileRows, rows - r))(
          d, tile, a + r * s.a_row + k * s.a_column, panel, y + r * s.n);
  }
}

void run_matmul(const Args& args) {
  const MatmulShape s(args.in[0].shape, args.in[1].shape, *args.attrs);
  const hn::ScalableTag<float> d;
  const int64_t step = 2 * static_cast<int64_t>(hn::Lanes(d));
  const int64_t row_runs = (s.m + kRowRun - 1) / kRowRun, column_runs = (s.n + step - 1) / step;
  for_ranges(args, s.count * row_runs * column_runs, 1, [&](int64_t task, int64_t) {
    const int64_t p = task / column_runs / row_runs;
    const int64_t i = task / column_runs % row_runs * kRowRun, j = task % column_runs * step;
    matmul_block(d, s, args.in[0].as<float>() + p * s.m * s.k + i * s.a_row,
                 args.in[1].as<float>() + p * s.k * s.n + j * s.b_column,
                 args.out[0].as<float>() + (p * s.m + i) * s.n + j, std::min(kRowRun, s.m - i),
                 std::min(step, s.n - j));
  });
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(run_matmul);

void matmul_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_matmul)(args); }

}  // namespace cairn
#endif
