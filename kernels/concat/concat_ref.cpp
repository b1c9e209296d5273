#include "kernels/concat/concat.h"

#include <algorithm>

#include "kernels/slice/axis_runs.h"

namespace cairn {

template <class Real>
void concat_ref(const Args& args) {
  const Tensor &a = args.in[0], &b = args.in[1], &y = args.out[0];
  const int axis = example_axis("concat", a.type(), args.attrs->integer(concat_attr::dim));
  const AxisRuns runs(a, axis);
  const int64_t first = a.shape[axis] * runs.inner, second = b.shape[axis] * runs.inner;
  for (int64_t s = 0; s < y.batch.slices; ++s) {
    Real* to = y.slice<Real>(s);
    for (int64_t i = 0; i < runs.outer; ++i) {
      to = std::copy_n(a.slice<Real>(s) + i * first, first, to);
      to = std::copy_n(b.slice<Real>(s) + i * second, second, to);
    }
  }
}

template void concat_ref<float>(const Args&);
template void concat_ref<double>(const Args&);

}  // namespace cairn
