#include "kernels/one_hot/one_hot.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/error.h"

namespace cairn {

template <class Real>
void one_hot_ref(const Args& args) {
  const Tensor &labels = args.in[0], &y = args.out[0];
  const int64_t width = y.batch.width, classes = y.shape[-1];
  for (int64_t s = 0; s < y.batch.slices; ++s) {
    Real* to = y.slice<Real>(s);
    std::fill_n(to, y.features * width, Real{0});
    const int64_t valid = y.batched ? args.valid_lanes(y, s) : width;
    for (int64_t f = 0; f < labels.features; ++f)
      for (int64_t n = 0; n < valid; ++n) {
        const int64_t label = labels.slice<int32_t>(s)[f * width + n];
        if (label < 0 || label >= classes)
          fail(fmt::format("one_hot: label {} is outside 0 to {}", label, classes - 1));
        to[(f * classes + label) * width + n] = 1;
      }
  }
}

template void one_hot_ref<float>(const Args&);
template void one_hot_ref<double>(const Args&);

}  // namespace cairn
