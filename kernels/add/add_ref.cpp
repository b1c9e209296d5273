// The CPU's only version: g++ vectorises the loop, and it is bound by memory.
#include "kernels/add/add.h"

namespace cairn {

template <class Real>
void add_ref(const Args& args) {
  constexpr int64_t kRun = 16384;  // elements of a thread's task
  const Real *a = args.in[0].as<Real>(), *b = args.in[1].as<Real>();
  Real* y = args.out[0].as<Real>();
  for_ranges(args, args.in[0].elements(), kRun, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = a[i] + b[i];
  });
}

template void add_ref<float>(const Args&);
template void add_ref<double>(const Args&);

}  // namespace cairn
