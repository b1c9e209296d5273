#include "kernels/accumulate/accumulate.h"

namespace cairn {

template <class Real>
void accumulate_ref(const Args& args) {
  const Tensor &acc = args.in[0], &x = args.in[1];
  for (int64_t i = 0; i < acc.features; ++i) acc.as<Real>()[i] += x.as<Real>()[i];
}

template void accumulate_ref<float>(const Args&);
template void accumulate_ref<double>(const Args&);

}  // namespace cairn
