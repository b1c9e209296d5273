// Blocks in square tiles, so that the lines of both tensors are used up while they lie in cache; or
// as runs, where a block is one. 4 bytes read and 4 written an element.
#include <algorithm>

#include "kernels/permute/permute.h"

namespace cairn {
namespace {

constexpr int64_t kTile = 16;  // floats: a cache line

/// Rows [first, last) of a block.
void copy_rows(const Permutation& p, const float* x, float* y, int64_t first, int64_t last) {
  if (p.column_in == 1) {
    std::copy_n(x, p.columns, y);
    return;
  }
  for (int64_t j0 = 0; j0 < p.columns; j0 += kTile) {
    const int64_t j1 = std::min(j0 + kTile, p.columns);
    for (int64_t i = first; i < last; ++i)
      for (int64_t j = j0; j < j1; ++j) y[i * p.row_out + j] = x[i + j * p.column_in];
  }
}

void copy_permuted(const Args& args, const Axes& axes) {
  constexpr int64_t kRun = 4096;  // elements of a task, about
  const Tensor &x = args.in[0], &y = args.out[0];
  const Permutation p(x.shape, axes, x.batch.width);
  const int64_t bands = (p.rows + kTile - 1) / kTile;
  const int64_t grain = kRun / std::max<int64_t>(1, p.columns * std::min(p.rows, kTile)) + 1;
  for (int64_t s = 0; s < x.batch.slices; ++s)
    for_ranges(args, p.blocks * bands, grain, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        int64_t from, to;
        p.find(task / bands, from, to);
        const int64_t first = task % bands * kTile;
        copy_rows(p, x.slice<float>(s) + from, y.slice<float>(s) + to, first,
                  std::min(first + kTile, p.rows));
      }
    });
}

}  // namespace

Permutation::Permutation(const Shape& x, const Axes& axes, int64_t width) {
  int64_t strides[kMaxRank] = {}, stride = width;
  for (int k = x.rank() - 1; k >= 0; --k) {
    strides[k] = stride;
    stride *= x[k];
  }
  // y's axes that have more than one element; those that stay neighbours are one.
  const auto append = [&](int64_t count, int64_t step) {
    if (count == 1) return;
    if (outer > 0 && in[outer - 1] == count * step) {
      size[outer - 1] *= count, in[outer - 1] = step;
      return;
    }
    size[outer] = count, in[outer] = step;
    ++outer;
  };
  for (int k = 0; k < x.rank(); ++k) {
    const int axis = axes[static_cast<size_t>(k)];
    append(x[axis], strides[axis]);
  }
  append(width, 1);
  for (int k = outer - 1; k >= 0; --k) out[k] = k + 1 < outer ? out[k + 1] * size[k + 1] : 1;
  const auto take = [&](int k) {
    for (; k + 1 < outer; ++k) size[k] = size[k + 1], in[k] = in[k + 1], out[k] = out[k + 1];
    --outer;
  };
  if (outer > 0) {
    columns = size[outer - 1], column_in = in[outer - 1];
    take(outer - 1);
  }
  for (int k = 0; column_in != 1 && k < outer; ++k)
    if (in[k] == 1) {
      rows = size[k], row_out = out[k];
      take(k);
      break;
    }
  for (int k = 0; k < outer; ++k) blocks *= size[k];
}

void transpose_cpu(const Args& args) {
  copy_permuted(args, transpose_axes(args.in[0].type(), *args.attrs));
}
void permute_cpu(const Args& args) {
  copy_permuted(args, permute_axes(args.in[0].type(), *args.attrs));
}

}  // namespace cairn
