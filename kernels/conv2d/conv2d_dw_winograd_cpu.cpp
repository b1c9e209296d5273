// conv2d_dw by minimal filtering (winograd-inl.h): sums over tiles and examples, so lanes are
// output channels. dy is turned to have its channels side by side before its transform; x keeps its
// examples, one of which is the broadcast factor at a time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv2d/conv2d_dw_winograd_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include "kernels/conv2d/winograd-inl.h"
#include "kernels/linear/turn-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

/// A of two values, but for the sign of the last.
template <class V>
HWY_INLINE void gradient_points(const V (&dy)[2], V (&to)[4]) {
  to[0] = dy[0], to[1] = hn::Add(dy[0], dy[1]), to[2] = hn::Sub(dy[0], dy[1]), to[3] = dy[1];
}

/// G^T of four values, the last with the other sign.
template <class D, class V>
HWY_INLINE void filter_gradient(D d, const V (&u)[4], V (&to)[3]) {
  const V half = hn::Set(d, 0.5f);
  const V sum = hn::Mul(half, hn::Add(u[1], u[2]));
  to[0] = hn::Add(u[0], sum);
  to[1] = hn::Mul(half, hn::Sub(u[1], u[2]));
  to[2] = hn::Sub(sum, u[3]);
}

/// One group of one slice.
struct DwTiles {
  TileGrid grid;
  Planes x, dy;
  int64_t valid;  // examples
  float* memory;
  float* turned;

  /// The places that tiles [first, first + tiles) are made of, of output channels [r, r + outputs):
  /// place p of 4 of tile k, example n at turned + ((4 k + p) width + n) row.
  void turn_gradient(int64_t first, int64_t tiles, int64_t r, int64_t outputs, int64_t row) const {
    const int64_t width = dy.width;
    grid.for_rows(first, tiles, [&](int64_t tile_row, int64_t column, int64_t t, int64_t count) {
      for (int64_t k = 0; k < count; ++k)
        for (int64_t p = 0; p < 4; ++p) {
          const int64_t h = 2 * tile_row + p / 2, w = 2 * (column + k) + p % 2;
          float* to = turned + (4 * (t + k) + p) * width * row;
          if (h >= dy.rows.end || w >= dy.columns.end) {
            std::fill_n(to, width * row, 0.0f);
            continue;
          }
          for (int64_t c = 0; c < row; c += kSide)
            for (int64_t n = 0; n < width; n += kSide)
              turn(dy.at(r + c, h, w) + n, dy.plane, outputs - c, to + n * row + c, row);
        }
    });
  }

  /// A dy A^T of what was turned: point e, tile k, example n at to + e step + (k width + n) row.
  void transform_gradient(int64_t tiles, int64_t row, float* to, int64_t step) const {
    with_lanes(row, [&](auto d) HWY_ATTR {
      using V = hn::Vec<decltype(d)>;
      const int64_t place = dy.width * row;
      const auto lanes = static_cast<int64_t>(hn::Lanes(d));
      for (int64_t k = 0; k < tiles; ++k)
        for (int64_t i = 0; i < place; i += lanes) {
          const float* from = turned + 4 * k * place + i;
          V columns[2][4];
          CAIRN_UNROLL for (int j = 0; j < 2; ++j) {
            const V values[2] = {hn::LoadU(d, from + j * place),
                                 hn::LoadU(d, from + (2 + j) * place)};
            gradient_points(values, columns[j]);
          }
          CAIRN_UNROLL for (int p = 0; p < 4; ++p) {
            const V values[2] = {columns[0][p], columns[1][p]};
            V out[4];
            gradient_points(values, out);
            CAIRN_UNROLL for (int j = 0; j < 4; ++j)
                hn::StoreU(out[j], d, to + (4 * p + j) * step + k * place + i);
          }
        }
    });
  }

  /// Adds to sums[e][c][r] (channels x row) what channels [c, c + channels) of x and outputs
  /// [r, r + outputs) of dy make of all tiles.
  void run(int64_t c, int64_t channels, int64_t r, int64_t outputs, int64_t row,
           float* sums) const {
    const int64_t width = x.width, most = TileGrid::most(channels + row, width);
    for (int64_t first = 0, tiles; first < grid.tiles(); first += tiles) {
      tiles = even_part(grid.tiles() - first, most);
      const int64_t places = tiles * width;
      const int64_t step = channels * places + kLine, dy_step = places * row + kLine;
      float* dy_points = memory + kPoints * step;
      transform_sources(grid, x, c, channels, first, tiles, memory, step);
      turn_gradient(first, tiles, r, outputs, row);
      transform_gradient(tiles, row, dy_points, dy_step);
      ProductTile tile;
      tile.loops[1] = {tiles, width, width * row};
      tile.loops[2] = {valid, 1, row};
      tile.w_row = places, tile.y_row = row;
      tile.adds = true;
      for (int64_t e = 0; e < kPoints; ++e)
        product_run(hn::ScalableTag<float>(), tile, channels, row, memory + e * step,
                    dy_points + e * dy_step, sums + e * channels * row);
    }
  }
};

/// dw[r][c] += G^T u G for the sums of channels x row points, the first `outputs` of each row.
void add_filter_gradient(const float* sums, int64_t channels, int64_t outputs, int64_t row,
                         float* dw, int64_t dw_output) {
  with_lanes(row, [&](auto d) HWY_ATTR {
    using V = hn::Vec<decltype(d)>;
    const auto lanes = static_cast<int64_t>(hn::Lanes(d));
    HWY_ALIGN float taps[9 * hn::MaxLanes(d)];
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t r = 0; r < outputs; r += lanes) {
        const float* from = sums + c * row + r;
        V columns[4][3];
        CAIRN_UNROLL for (int j = 0; j < 4; ++j) {
          V values[4];
          CAIRN_UNROLL for (int i = 0; i < 4; ++i) values[i] =
              hn::LoadU(d, from + (4 * i + j) * channels * row);
          filter_gradient(d, values, columns[j]);
        }
        CAIRN_UNROLL for (int i = 0; i < 3; ++i) {
          const V values[4] = {columns[0][i], columns[1][i], columns[2][i], columns[3][i]};
          V out[3];
          filter_gradient(d, values, out);
          CAIRN_UNROLL for (int j = 0; j < 3; ++j) hn::Store(out[j], d, taps + (3 * i + j) * lanes);
        }
        for (int64_t k = 0; k < std::min(lanes, outputs - r); ++k)
          for (int64_t tap = 0; tap < 9; ++tap)
            dw[(r + k) * dw_output + 9 * c + tap] += taps[tap * lanes + k];
      }
  });
}

void conv2d_dw_winograd(const Args& args) {
  HWY_ALIGN float sums[kWinogradFloats], memory[kTileFloats], turned[kWinogradFloats / 4];
  const Tensor &x = args.in[0], &dy = args.in[1];
  const ConvShape s(x.shape, args.out[0].shape, dy.shape, *args.attrs);
  for (int64_t g = 0; g < s.groups; ++g)
    for (int64_t r = 0, outputs; r < s.cout_group(); r += outputs) {
      outputs = even_part(s.cout_group() - r, kMostChannels);
      const int64_t row = (outputs + kSide - 1) / kSide * kSide;
      for (int64_t c = 0, channels; c < s.cin_group(); c += channels) {
        channels = even_part(s.cin_group() - c, kMostChannels);
        std::fill_n(sums, kPoints * channels * row, 0.0f);
        for (int64_t slice = 0; slice < x.batch.slices; ++slice) {
          const DwTiles part{TileGrid(s.oh, s.ow, s.pad_h, s.pad_w),
                             planes_of(x, slice, g * s.cin_group()),
                             planes_of(dy, slice, g * s.cout_group()),
                             args.valid_lanes(x, slice),
                             memory,
                             turned};
          part.run(c, channels, r, outputs, row, sums);
        }
        add_filter_gradient(
            sums, channels, outputs, row,
            args.out[0].as<float>() + (g * s.cout_group() + r) * s.depth() + c * s.kh * s.kw,
            s.depth());
      }
    }
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(conv2d_dw_winograd);

void conv2d_dw_winograd_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(conv2d_dw_winograd)(args); }

}  // namespace cairn
#endif
