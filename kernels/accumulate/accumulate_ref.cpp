// The CPU's only version: g++ vectorises the loop, and it is bound by memory.
#include "kernels/accumulate/accumulate.h"

namespace cairn {

template <class Real>
void accumulate_ref(const Args& args) {
  constexpr int64_t kRun = 16384;  // elements of a thread's task
  Real* acc = args.in[0].as<Real>();
  const Real* x = args.in[1].as<Real>();
  for_ranges(args, args.in[0].elements(), kRun, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) acc[i] += x[i];
  });
}

template void accumulate_ref<float>(const Args&);
template void accumulate_ref<double>(const Args&);

}  // namespace cairn
