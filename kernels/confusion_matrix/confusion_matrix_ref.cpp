#include "kernels/confusion_matrix/confusion_matrix.h"

#include <fmt/format.h>

#include "core/error.h"

namespace cairn {

template <class Real>
void confusion_matrix_ref(const Args& args) {
  const Tensor &x = args.in[0], &labels = args.in[1];
  const int64_t classes = x.features;
  const int64_t valid = args.step->valid_lanes(args.first, x.batch.capacity());
  for (int64_t n = 0; n < valid; ++n) {
    const int64_t label = labels.at<int32_t>(n, 0);
    if (label < 0 || label >= classes)
      fail(fmt::format("confusion_matrix: label {} of example {} is outside 0 to {}", label,
                       args.first + n, classes - 1));
    int64_t largest = 0;
    for (int64_t k = 1; k < classes; ++k)
      if (x.at<Real>(n, k) > x.at<Real>(n, largest)) largest = k;
    args.out[0].as<Real>()[label * classes + largest] += 1;
  }
}

template void confusion_matrix_ref<float>(const Args&);
template void confusion_matrix_ref<double>(const Args&);

}  // namespace cairn
