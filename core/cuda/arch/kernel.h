// What a kernel's source can't say in the same words on a GPU and on the CPU (simt/).
#pragma once

#ifdef CAIRN_SIMT

#include "simt/kernel.h"

/// An array of `count` elements (a constant) in the block's shared memory.
#define CAIRN_SHARED(type, name, count)      \
  static ::simt::SharedSlot name##_slot_;    \
  auto& name = *static_cast<type(*)[count]>( \
      ::simt::shared_array(name##_slot_, sizeof(type) * (count), alignof(type), SIMT_SITE))
/// The dynamic shared memory of the launch, as a pointer.
#define CAIRN_DYNAMIC_SHARED(type, name) \
  auto* const name = static_cast<type*>(::simt::dynamic_shared())
/// The next loop is written out, so that arrays which it indexes stay in registers.
#define CAIRN_UNROLL

namespace cairn {

/// Tells the runtime how to call a kernel.
template <class... P>
void declare_kernel(void (*kernel)(P...)) {
  ::simt::declare(reinterpret_cast<const void*>(kernel), ::simt::SignatureOf<P...>::kSignature);
}

}  // namespace cairn

#else

#define CAIRN_SHARED(type, name, count) __shared__ type name[count]
#define CAIRN_DYNAMIC_SHARED(type, name) extern __shared__ type name[]
#define CAIRN_UNROLL _Pragma("unroll")

namespace cairn {

template <class... P>
void declare_kernel(void (*)(P...)) {}

}  // namespace cairn

#endif
