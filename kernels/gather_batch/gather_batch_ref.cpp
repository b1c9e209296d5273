#include <vector>

#include "kernels/gather_batch/gather_batch.h"

namespace cairn {
namespace {

/// What example `row` of the data undergoes; its field lies in `nodes`.
template <class Real>
Change<Real> draw_change(const Augment& a, const Args& args, int64_t row,
                         std::vector<Real>& nodes) {
  const Tensor& x = args.out[0];
  const int64_t epoch = args.step->epoch, across = field_axis(x.shape[2], a.grid);
  nodes.clear();
  for (int64_t k = 0; a.elastic > 0 && k < field_axis(x.shape[1], a.grid) * across; ++k) {
    const Point<double> node = draw_node(a, args.key, epoch, row, k);
    nodes.push_back(static_cast<Real>(node.y));
    nodes.push_back(static_cast<Real>(node.x));
  }
  return {draw_moves(a, args.key, epoch, row),
          draw_turn<Real>(a, args.key, epoch, row),
          {nodes.data(), 1, across}};
}

template <class Real, class Stored>
void gather(const Args& args) {
  using namespace gather_batch_attr;
  const Tensor &images = args.in[0], &labels = args.in[1], &x = args.out[0], &label = args.out[1];
  const Attrs& a = *args.attrs;
  const Augment augment = augment_of(a, images.shape);
  const Normalize<Real> normalized(a, args.in[kMeanImage], images.shape);
  const int64_t count = labels.shape[0], plane = images.shape[2] * images.shape[3];
  const int64_t pad = a.integer(padding), out_h = x.shape[1], out_w = x.shape[2];
  std::vector<Real> nodes;
  for (int64_t n = 0; n < x.batch.capacity(); ++n) {
    const int64_t row = gathered_row(*args.step, args.key, a.flag(shuffle), args.first + n, count);
    label.at<int32_t>(n, 0) = row < 0 ? 0 : labels.as<uint8_t>()[row];
    const int64_t from =
        image_row(*args.step, row, args.first + n, count, images.shape[0], a.integer(window));
    const Change<Real> change = draw_change(augment, args, row, nodes);
    for (int64_t f = 0; f < x.features; ++f) {
      const int64_t c = f / (out_h * out_w), h = f / out_w % out_h - pad, w = f % out_w - pad;
      const int64_t at = row < 0 ? 0 : (from * x.shape[0] + c) * plane;
      const Real pixel =
          row < 0 ? Real{0} : change.pixel(augment, pad, images.as<Stored>() + at, h, w);
      const bool cut = row >= 0 && change.moves.cuts(augment, h, w);
      x.at<Real>(n, f) = cut ? Real{0} : normalized(pixel, c, h, w);
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
