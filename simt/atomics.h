// Atomic functions. One thread runs at a time, so plain reads and writes will do; the checker hears
// that they are atomic.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "simt/checker.h"
#include "simt/engine.h"

namespace simt {

/// Replaces *at by change(*at); returns what was there. Out of reach of the instrumentation of
/// loads and stores.
template <class T, class F>
__attribute__((noinline, no_sanitize("thread"))) T atomically(T* at, const F& change) {
  if (kCheckerBuilt) checker().access(at, sizeof(T), true, true, __builtin_return_address(0));
  const T before = *at, after = change(before);
  *at = after;
  spin(std::memcmp(&before, &after, sizeof(T)) == 0, __builtin_return_address(0));
  return before;
}

}  // namespace simt

#define SIMT_ATOMIC(name, expression)                                              \
  template <class T>                                                               \
  __attribute__((always_inline)) inline T name(T* at, std::type_identity_t<T> v) { \
    return simt::atomically(at, [v](T x) { return static_cast<T>(expression); });  \
  }
SIMT_ATOMIC(atomicAdd, x + v)
SIMT_ATOMIC(atomicSub, x - v)
SIMT_ATOMIC(atomicExch, (static_cast<void>(x), v))
SIMT_ATOMIC(atomicMin, std::min(x, v))
SIMT_ATOMIC(atomicMax, std::max(x, v))
SIMT_ATOMIC(atomicAnd, x& v)
SIMT_ATOMIC(atomicOr, x | v)
SIMT_ATOMIC(atomicXor, x ^ v)
SIMT_ATOMIC(atomicInc, x >= v ? 0 : x + 1)
SIMT_ATOMIC(atomicDec, x == 0 || x > v ? v : x - 1)
#undef SIMT_ATOMIC

template <class T>
__attribute__((always_inline)) inline T atomicCAS(T* at, std::type_identity_t<T> expected,
                                                  std::type_identity_t<T> v) {
  return simt::atomically(at, [=](T x) { return x == expected ? v : x; });
}
