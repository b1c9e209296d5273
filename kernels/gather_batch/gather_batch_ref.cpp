#include "kernels/gather_batch/gather_batch.h"

namespace cairn {
namespace {

template <class Real, class Stored>
void gather(const Args& args) {
  using namespace gather_batch_attr;
  const Tensor &images = args.in[0], &labels = args.in[1], &x = args.out[0], &label = args.out[1];
  const Attrs& a = *args.attrs;
  const int64_t count = labels.shape[0], height = images.shape[2], width = images.shape[3];
  const int64_t pad = a.integer(padding), out_h = x.shape[1], out_w = x.shape[2];
  for (int64_t n = 0; n < x.batch.capacity(); ++n) {
    const int64_t row = gathered_row(*args.step, args.key, a.flag(shuffle), args.first + n, count);
    label.at<int32_t>(n, 0) = row < 0 ? 0 : labels.as<uint8_t>()[row];
    const int64_t from =
        image_row(*args.step, row, args.first + n, count, images.shape[0], a.integer(window));
    for (int64_t f = 0; f < x.features; ++f) {
      const int64_t c = f / (out_h * out_w), h = f / out_w % out_h - pad, w = f % out_w - pad;
      const bool inside = row >= 0 && h >= 0 && h < height && w >= 0 && w < width;
      const int64_t at = ((from * x.shape[0] + c) * height + h) * width + w;
      const Real pixel = inside ? unscaled<Real>(images.as<Stored>()[at]) : Real{0};
      const auto channel = static_cast<int>(c);
      x.at<Real>(n, f) = (pixel - static_cast<Real>(a.real(mean, channel))) /
                         static_cast<Real>(a.real(std, channel));
    }
  }
}

}  // namespace

template <class Real>
void gather_batch_ref(const Args& args) {
  gather<Real, uint8_t>(args);
}

template <class Real>
void gather_features_ref(const Args& args) {
  gather<Real, Real>(args);
}

template void gather_batch_ref<float>(const Args&);
template void gather_batch_ref<double>(const Args&);
template void gather_features_ref<float>(const Args&);
template void gather_features_ref<double>(const Args&);

}  // namespace cairn
