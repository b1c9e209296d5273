#include "kernels/clip_norm/clip_norm.h"

namespace cairn {

template <class Real>
void clip_norm_ref(const Args& args) {
  Real* g = args.in[0].as<Real>();
  const int64_t n = args.in[0].features;
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(g[i]) * static_cast<double>(g[i]);
  const double norm = std::sqrt(sum);
  *args.out[0].as<Real>() = static_cast<Real>(norm);
  const auto factor =
      static_cast<Real>(clip_factor(norm, args.attrs->real(clip_norm_attr::max_norm)));
  for (int64_t i = 0; i < n; ++i) g[i] *= factor;
}

template void clip_norm_ref<float>(const Args&);
template void clip_norm_ref<double>(const Args&);

}  // namespace cairn
