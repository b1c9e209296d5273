#include "kernels/embedding/embedding.h"

#include <fmt/format.h>

#include "core/error.h"

namespace cairn {
namespace {

/// The row that index f of example n asks for; an Error that names it where there is none. Spare
/// lanes take row 0 then.
int64_t row_of(const Args& args, const Tensor& index, int64_t n, int64_t f, int64_t rows,
               const char* op) {
  const int64_t row = index.at<int32_t>(n, f);
  if (row >= 0 && row < rows) return row;
  if (args.first + n >= args.step->n_valid) return 0;
  fail(fmt::format("{}: index {} of example {} is outside 0 to {}", op, row, args.first + n,
                   rows - 1));
}

}  // namespace

template <class Real>
void embedding_ref(const Args& args) {
  const Tensor &weight = args.in[0], &index = args.in[1], &y = args.out[0];
  const int64_t rows = weight.shape[0], size = weight.shape[1];
  for (int64_t f = 0; f < index.features; ++f)
    for (int64_t n = 0; n < y.batch.capacity(); ++n) {
      const Real* row = weight.as<Real>() + row_of(args, index, n, f, rows, "embedding") * size;
      for (int64_t d = 0; d < size; ++d) y.at<Real>(n, f * size + d) = row[d];
    }
}

template <class Real>
void embedding_grad_ref(const Args& args) {
  const Tensor &dy = args.in[0], &index = args.in[1], &dweight = args.out[0];
  const int64_t rows = dweight.shape[0], size = dweight.shape[1];
  const int64_t valid = args.step->valid_lanes(args.first, dy.batch.capacity());
  for (int64_t f = 0; f < index.features; ++f)
    for (int64_t n = 0; n < valid; ++n) {
      Real* row = dweight.as<Real>() + row_of(args, index, n, f, rows, "embedding_grad") * size;
      for (int64_t d = 0; d < size; ++d) row[d] += dy.at<Real>(n, f * size + d);
    }
}

template void embedding_ref<float>(const Args&);
template void embedding_ref<double>(const Args&);
template void embedding_grad_ref<float>(const Args&);
template void embedding_grad_ref<double>(const Args&);

}  // namespace cairn
