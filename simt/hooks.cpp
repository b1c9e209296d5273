// The functions that the compiler calls at loads and stores under -fsanitize=thread, which builds
// with the checker pass for CUDA sources alone, and at each piece of code without branches under
// -fsanitize-coverage=trace-pc. They stand in for the sanitizers' own.
#include <cstddef>

#include "simt/access.h"
#include "simt/checker.h"

#define SIMT_HOOK(size)                                                          \
  void __tsan_read##size(void* at) {                                             \
    simt::checker().access(at, size, false, false, __builtin_return_address(0)); \
  }                                                                              \
  void __tsan_write##size(void* at) {                                            \
    simt::checker().access(at, size, true, false, __builtin_return_address(0));  \
  }                                                                              \
  void __tsan_unaligned_read##size(void* at) { __tsan_read##size(at); }          \
  void __tsan_unaligned_write##size(void* at) { __tsan_write##size(at); }        \
  void __tsan_volatile_read##size(void* at) { __tsan_read##size(at); }           \
  void __tsan_volatile_write##size(void* at) { __tsan_write##size(at); }

extern "C" {
SIMT_HOOK(1)
SIMT_HOOK(2)
SIMT_HOOK(4)
SIMT_HOOK(8)
SIMT_HOOK(16)
void __tsan_read_range(void* at, size_t bytes) {
  simt::checker().access(at, bytes, false, false, __builtin_return_address(0));
}
void __tsan_write_range(void* at, size_t bytes) {
  simt::checker().access(at, bytes, true, false, __builtin_return_address(0));
}
void __tsan_vptr_update(void**, void*) {}
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __sanitizer_cov_trace_pc() { simt::access_recorder().reach(__builtin_return_address(0)); }
}
