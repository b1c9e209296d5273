#include "kernels/slice/slice.h"

#include <algorithm>

#include "kernels/slice/axis_runs.h"

namespace cairn {

template <class Real>
void slice_ref(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0];
  const AxisRuns runs(x, example_axis("slice", x.type(), args.attrs->integer(slice_attr::dim)));
  const SliceRange range(*args.attrs, runs.length);
  for (int64_t s = 0; s < x.batch.slices; ++s) {
    Real* to = y.slice<Real>(s);
    for (int64_t i = 0; i < runs.outer; ++i)
      for (int64_t k = 0; k < range.count; ++k) {
        const int64_t place = i * runs.length + range.first + k * range.step;
        to = std::copy_n(x.slice<Real>(s) + place * runs.inner, runs.inner, to);
      }
  }
}

template <class Real>
void slice_grad_ref(const Args& args) {
  const Tensor &dy = args.in[0], &dx = args.out[0];
  const AxisRuns runs(dx,
                      example_axis("slice_grad", dx.type(), args.attrs->integer(slice_attr::dim)));
  const SliceRange range(*args.attrs, runs.length);
  for (int64_t s = 0; s < dx.batch.slices; ++s) {
    const Real* from = dy.slice<Real>(s);
    std::fill_n(dx.slice<Real>(s), runs.elements(), Real{0});
    for (int64_t i = 0; i < runs.outer; ++i)
      for (int64_t k = 0; k < range.count; ++k, from += runs.inner) {
        const int64_t place = i * runs.length + range.first + k * range.step;
        std::copy_n(from, runs.inner, dx.slice<Real>(s) + place * runs.inner);
      }
  }
}

template void slice_ref<float>(const Args&);
template void slice_ref<double>(const Args&);
template void slice_grad_ref<float>(const Args&);
template void slice_grad_ref<double>(const Args&);

}  // namespace cairn
