// Places of all examples of a slice lie side by side, so that a place is copied by one run.
#include <algorithm>

#include "kernels/zero_pad_shortcut/zero_pad_shortcut.h"

namespace cairn {

template <class Real>
void zero_pad_shortcut_ref(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0];
  const ShortcutShape s(x.shape, y.shape, *args.attrs);
  const int64_t width = x.batch.width;
  for_ranges(args, s.out_channels * x.batch.slices, 1, [&](int64_t task, int64_t) {
    const int64_t slice = task / s.out_channels, c = task % s.out_channels;
    Real* to = y.slice<Real>(slice) + c * s.out_h * s.out_w * width;
    if (c >= s.channels) {
      std::fill_n(to, s.out_h * s.out_w * width, Real{0});
      return;
    }
    for (int64_t i = 0; i < s.out_h; ++i)
      for (int64_t j = 0; j < s.out_w; ++j, to += width)
        std::copy_n(x.slice<Real>(slice) + ((c * s.h + i * s.stride) * s.w + j * s.stride) * width,
                    width, to);
  });
}

template <class Real>
void zero_pad_shortcut_grad_ref(const Args& args) {
  const Tensor &dy = args.in[0], &dx = args.out[0];
  const ShortcutShape s(dx.shape, dy.shape, *args.attrs);
  const int64_t width = dx.batch.width;
  for_ranges(args, s.channels * dx.batch.slices, 1, [&](int64_t task, int64_t) {
    const int64_t slice = task / s.channels, c = task % s.channels;
    Real* to = dx.slice<Real>(slice) + c * s.h * s.w * width;
    const Real* from = dy.slice<Real>(slice) + c * s.out_h * s.out_w * width;
    std::fill_n(to, s.h * s.w * width, Real{0});
    for (int64_t i = 0; i < s.out_h; ++i)
      for (int64_t j = 0; j < s.out_w; ++j, from += width)
        std::copy_n(from, width, to + (i * s.stride * s.w + j * s.stride) * width);
  });
}

template void zero_pad_shortcut_ref<float>(const Args&);
template void zero_pad_shortcut_ref<double>(const Args&);
template void zero_pad_shortcut_grad_ref<float>(const Args&);
template void zero_pad_shortcut_grad_ref<double>(const Args&);

}  // namespace cairn
