// round_bf16: each element as the nearest bfloat16, which has float32's exponent and 8 digits
// of 24.
//
//   y = x rounded to 8 binary digits, ties to even
//
// y is float32 (its 16 lowest bits are zero), of x's shape, batched or plain. From 2^128 - 2^119 up
// the result is infinite; NaN stays NaN; denormal numbers keep 7 digits or fewer, as in bfloat16.
// In a float64 run x becomes float32 first, as in PyTorch. core/mixed.h puts it before products. It
// is a staircase, so it has no gradient. Source: Kalamkar et al. 2019, "A study of BFLOAT16 for
// deep learning training".
#pragma once

#include <cstring>

#include "core/host_device.h"
#include "core/op.h"

namespace cairn {

/// The rounded value by float32's bits: half of what is cut off is added, less where the last digit
/// that stays is even.
CAIRN_HD inline float round_bf16(float x) {
  if (x != x) return x;
  uint32_t bits = 0;
  memcpy(&bits, &x, sizeof(bits));
  bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000;
  memcpy(&x, &bits, sizeof(bits));
  return x;
}

template <class Real>
void round_bf16_ref(const Args& args);

void round_bf16_cpu(const Args& args);

void round_bf16_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
