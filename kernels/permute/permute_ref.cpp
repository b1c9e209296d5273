#include "kernels/permute/permute.h"

namespace cairn {
namespace {

template <class Real>
void reorder(const Args& args, const Axes& axes) {
  const Tensor &x = args.in[0], &y = args.out[0];
  const int rank = x.shape.rank();
  int64_t strides[kMaxRank] = {}, stride = 1;
  for (int k = rank - 1; k >= 0; --k) {
    strides[k] = stride;
    stride *= x.shape[k];
  }
  for (int64_t f = 0; f < y.features; ++f) {
    int64_t from = 0, rest = f;
    for (int k = rank - 1; k >= 0; --k) {
      from += rest % y.shape[k] * strides[axes[static_cast<size_t>(k)]];
      rest /= y.shape[k];
    }
    for (int64_t n = 0; n < y.batch.capacity(); ++n) y.at<Real>(n, f) = x.at<Real>(n, from);
  }
}

}  // namespace

template <class Real>
void transpose_ref(const Args& args) {
  reorder<Real>(args, transpose_axes(args.in[0].type(), *args.attrs));
}

template <class Real>
void permute_ref(const Args& args) {
  reorder<Real>(args, permute_axes(args.in[0].type(), *args.attrs));
}

template void transpose_ref<float>(const Args&);
template void transpose_ref<double>(const Args&);
template void permute_ref<float>(const Args&);
template void permute_ref<double>(const Args&);

}  // namespace cairn
