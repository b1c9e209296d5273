#include "kernels/pad/pad.h"

#include <algorithm>

namespace cairn {

template <class Real>
void pad_ref(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0];
  const PadShape p(x.shape, y.shape, *args.attrs);
  const auto value = static_cast<Real>(args.attrs->real(pad_attr::value));
  const int64_t width = x.batch.width;
  for (int64_t s = 0; s < x.batch.slices; ++s)
    for (int64_t r = 0; r < p.rows; ++r) {
      Real* to = y.slice<Real>(s) + r * p.row_y * width;
      std::fill_n(to, p.row_y * width, value);
      const int64_t row = p.row_of(r);
      if (row >= 0)
        std::copy_n(x.slice<Real>(s) + row * p.row_x * width, p.row_x * width,
                    to + p.row_before * width);
    }
}

template void pad_ref<float>(const Args&);
template void pad_ref<double>(const Args&);

}  // namespace cairn
