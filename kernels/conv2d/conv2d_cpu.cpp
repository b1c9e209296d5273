// Indirect convolution on slices [channel][row][column][examples]: no columns are made, lanes are
// examples, and a register tile of output channels walks the kernel over x where it lies.
// The gradient with respect to x is the same product with w and dy exchanged in their roles.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv2d/conv2d_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include <algorithm>
#include <numeric>

#include "kernels/conv2d/conv2d.h"
#include "kernels/linear/product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

/// Which kernel taps of one axis touch data at a place: taps first, first + step, ... (count of
/// them), reading the source at `source` and moving `source_step` a tap.
struct Taps {
  int64_t first = 0, count = 0, step = 1, source = 0, source_step = 0;
};

/// Forward: output place p reads inputs p S - P + i D.
Taps forward_taps(int64_t p, int64_t stride, int64_t pad, int64_t dilation, int64_t kernel,
                  int64_t in) {
  const int64_t origin = p * stride - pad;
  const int64_t first = origin >= 0 ? 0 : (-origin + dilation - 1) / dilation;
  const int64_t last = origin >= in ? 0 : (in - origin + dilation - 1) / dilation;
  const int64_t end = std::min(kernel, last);
  return {first, std::max<int64_t>(0, end - first), 1, origin + first * dilation, dilation};
}

/// Backward: input place h is read by outputs p with p S = h + P - i D, for the taps i where p is
/// whole.
Taps backward_taps(int64_t h, int64_t stride, int64_t pad, int64_t dilation, int64_t kernel,
                   int64_t out) {
  Taps taps;
  taps.step = stride / std::gcd(stride, dilation);
  taps.source_step = -taps.step * dilation / stride;
  for (int64_t i = 0; i < kernel; ++i) {
    const int64_t reach = h + pad - i * dilation;
    if (reach < 0 || reach % stride != 0 || reach / stride >= out) continue;
    if (taps.count++ == 0) taps.first = i, taps.source = reach / stride;
  }
  return taps;
}

/// One direction of the product: where a tile's loops over taps step to, and how outputs are
/// grouped.
struct Direction {
  ProductTile tile;      // loops[0]: channels; loops[1], loops[2] are set by the taps
  int64_t rows = 0;      // outputs (channels) in a group
  int64_t kernel_w = 0;  // taps of a kernel row
  int64_t source_w = 0;  // columns of a source plane
  int64_t width = 0;     // examples
};

/// The outputs of a group at one place, or at two neighbouring ones.
template <int kPixels, class D, class Vectors>
void tile_rows(D d, Vectors, const Direction& dir, ProductTile tile, const float* w, const float* x,
               float* y) {
  constexpr int kVectors = Vectors::value;
  constexpr int64_t kMost = kPixels == 2 ? kPairRows : kTileRows;
  const int64_t step = kVectors * static_cast<int64_t>(hn::Lanes(d));
  const float* bias = tile.bias;
  for (int64_t r = 0; r < dir.rows; r += kMost) {
    const auto fn = tile_for<kPixels, kVectors, D>(std::min(kMost, dir.rows - r));
    if (bias) tile.bias = bias + r;
    for (int64_t lane = 0; lane < dir.width; lane += step)
      fn(d, tile, w + r * tile.w_row, x + lane, y + r * tile.y_row + lane);
  }
}

/// Whether two neighbouring places read the same taps, one source column apart by a constant.
bool same_taps(const Taps& a, const Taps& b) {
  return a.count == b.count && a.first == b.first && a.step == b.step;
}

/// All places of a group. `row_taps(p)` and `column_taps(q)` give the taps of a place.
template <class D, class Vectors, class RowTaps, class ColumnTaps>
void convolve(D d, Vectors vectors, const Direction& dir, int64_t rows, int64_t columns,
              RowTaps row_taps, ColumnTaps column_taps, const float* w, const float* x, float* y) {
  const bool pairs = dir.rows <= kPairRows;
  for (int64_t p = 0; p < rows; ++p) {
    const Taps ti = row_taps(p);
    for (int64_t q = 0; q < columns; ++q) {
      const Taps tj = column_taps(q);
      ProductTile tile = dir.tile;
      tile.loops[1] = {ti.count, ti.step * dir.kernel_w, ti.source_step * dir.source_w * dir.width};
      tile.loops[2] = {tj.count, tj.step, tj.source_step * dir.width};
      const float* wk = w + ti.first * dir.kernel_w + tj.first;
      const float* xk = x + (ti.source * dir.source_w + tj.source) * dir.width;
      float* yk = y + (p * columns + q) * dir.width;
      const Taps next = pairs && q + 1 < columns ? column_taps(q + 1) : Taps{};
      if (next.count > 0 && same_taps(tj, next)) {
        tile.x_pixel = (next.source - tj.source) * dir.width, tile.y_pixel = dir.width;
        tile_rows<2>(d, vectors, dir, tile, wk, xk, yk);
        ++q;
      } else {
        tile_rows<1>(d, vectors, dir, tile, wk, xk, yk);
      }
    }
  }
}

void conv2d(const Args& args) {
  const Tensor &x = args.in[0], &w = args.in[1], &b = args.in[2], &y = args.out[0];
  const ConvShape s(x.shape, w.shape, y.shape, *args.attrs);
  const int64_t width = x.batch.width;
  Direction dir;
  dir.rows = s.cout_group(), dir.kernel_w = s.kw, dir.source_w = s.w, dir.width = width;
  dir.tile.loops[0] = {s.cin_group(), s.kh * s.kw, s.h * s.w * width};
  dir.tile.w_row = s.depth(), dir.tile.y_row = s.oh * s.ow * width;
  dir.tile.activation = static_cast<Activation>(args.attrs->integer(conv2d_attr::activation));
  const auto rows = [&](int64_t p) {
    return forward_taps(p, s.stride_h, s.pad_h, s.dil_h, s.kh, s.h);
  };
  const auto columns = [&](int64_t q) {
    return forward_taps(q, s.stride_w, s.pad_w, s.dil_w, s.kw, s.w);
  };
  with_lanes(width, [&](auto d, auto vectors) {
    for (int64_t k = 0; k < x.batch.slices * s.groups; ++k) {
      const int64_t slice = k / s.groups, g = k % s.groups;
      dir.tile.bias = b.data ? b.as<float>() + g * dir.rows : nullptr;
      convolve(d, vectors, dir, s.oh, s.ow, rows, columns, w.as<float>() + g * dir.rows * s.depth(),
               x.slice<float>(slice) + g * s.cin_group() * s.h * s.w * width,
               y.slice<float>(slice) + g * dir.rows * s.oh * s.ow * width);
    }
  });
}

void conv2d_dx(const Args& args) {
  const Tensor &dy = args.in[0], &w = args.in[1], &dx = args.out[0];
  const ConvShape s(dx.shape, w.shape, dy.shape, *args.attrs);
  const int64_t width = dx.batch.width, taps = s.kh * s.kw;
  Direction dir;
  dir.rows = s.cin_group(), dir.kernel_w = s.kw, dir.source_w = s.ow, dir.width = width;
  dir.tile.loops[0] = {s.cout_group(), s.depth(), s.oh * s.ow * width};
  dir.tile.w_row = taps, dir.tile.y_row = s.h * s.w * width;
  const auto rows = [&](int64_t h) {
    return backward_taps(h, s.stride_h, s.pad_h, s.dil_h, s.kh, s.oh);
  };
  const auto columns = [&](int64_t v) {
    return backward_taps(v, s.stride_w, s.pad_w, s.dil_w, s.kw, s.ow);
  };
  with_lanes(width, [&](auto d, auto vectors) {
    for (int64_t k = 0; k < dx.batch.slices * s.groups; ++k) {
      const int64_t slice = k / s.groups, g = k % s.groups;
      convolve(d, vectors, dir, s.h, s.w, rows, columns,
               w.as<float>() + g * s.cout_group() * s.depth(),
               dy.slice<float>(slice) + g * s.cout_group() * s.oh * s.ow * width,
               dx.slice<float>(slice) + g * dir.rows * s.h * s.w * width);
    }
  });
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(conv2d);
HWY_EXPORT(conv2d_dx);

void conv2d_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(conv2d)(args); }
void conv2d_dx_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(conv2d_dx)(args); }

}  // namespace cairn
#endif
