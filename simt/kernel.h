// What a launch needs to know of a kernel: CUDA passes its arguments as untyped pointers.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include "simt/fault.h"

namespace simt {

/// How to keep, inspect and use the arguments of kernels of one type.
struct Signature {
  size_t bytes;  // of the arguments, packed
  void (*pack)(void* to, void** args);
  /// Calls a kernel of that type.
  void (*call)(const void* kernel, void* packed);
  /// Tells `see` of every argument that is a pointer, from 0.
  void (*pointers)(void* packed, void (*see)(void*, int, const void*), void* context);
};

template <class... P>
struct SignatureOf {
  using Packed = std::tuple<P...>;

  static void pack(void* to, void** args) {
    [&]<size_t... i>(std::index_sequence<i...>) {
      new (to) Packed(*static_cast<std::remove_reference_t<P>*>(args[i])...);
    }
    (std::index_sequence_for<P...>{});
  }
  static void call(const void* kernel, void* packed) {
    const auto function = reinterpret_cast<void (*)(P...)>(const_cast<void*>(kernel));
    std::apply(function, *static_cast<Packed*>(packed));
  }
  static void pointers(void* packed, void (*see)(void*, int, const void*), void* context) {
    int index = 0;
    const auto look = [&](const auto& value) {
      if constexpr (std::is_pointer_v<std::remove_cvref_t<decltype(value)>>)
        see(context, index, static_cast<const void*>(value));
      ++index;
    };
    std::apply([&](const auto&... value) { (look(value), ...); }, *static_cast<Packed*>(packed));
  }
  static_assert((std::is_trivially_copyable_v<P> && ...),
                "CUDA copies a kernel's arguments bytewise");
  static_assert(alignof(Packed) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
  static constexpr Signature kSignature{sizeof(Packed), pack, call, pointers};
};

/// Makes a kernel known to cudaLaunchKernelExC.
void declare(const void* kernel, const Signature& signature);

/// Writes the kernels that were launched to a file (settings.h).
void write_launched_kernels(const char* path);

/// An array in the running block's shared memory: the same one for every thread that asks with this
/// slot. Filled with NaNs, as no thread may count on what a block before it left there.
struct SharedSlot {
  uint64_t block = 0;
  void* data = nullptr;
};
void* shared_array(SharedSlot& slot, size_t bytes, size_t alignment, const Site& site);
/// The launch's dynamic shared memory.
void* dynamic_shared();

}  // namespace simt
