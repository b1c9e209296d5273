// ema: an exponential moving average of the parameters:
//
//   average = decay average + (1 - decay) p
//
// average: plain (P), changed in place; parameters p (P). Whoever begins the average fills it with
// the first parameters, so that there is nothing to correct for. Errors: buffers of different
// sizes, a decay outside [0, 1]. Source: Polyak and Juditsky 1992 (averaging); Tarvainen and
// Valpola 2017 (the exponential form for networks).
#pragma once

#include "core/op.h"

namespace cairn {

namespace ema_attr {
enum { decay };
}

template <class Real>
void ema_ref(const Args& args);

void ema_cpu(const Args& args);

void ema_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
