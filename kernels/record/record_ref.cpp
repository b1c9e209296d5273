#include "kernels/record/record.h"

namespace cairn {

template <class Real>
void record_ref(const Args& args) {
  const Tensor& ring = args.in[2];
  Real* row = ring.as<Real>() + args.step->step % ring.shape[0] * 2;
  const Real share = args.in[3].data ? args.in[3].as<Real>()[0] : 1;
  const bool adds = args.in[4].data && args.in[4].as<Real>()[0] != 0;
  const Real accuracy = args.in[1].as<Real>()[0] * static_cast<Real>(args.step->inverse_count());
  row[0] = (adds ? row[0] : 0) + share * args.in[0].as<Real>()[0];
  row[1] = (adds ? row[1] : 0) + share * accuracy;
}

template void record_ref<float>(const Args&);
template void record_ref<double>(const Args&);

}  // namespace cairn
