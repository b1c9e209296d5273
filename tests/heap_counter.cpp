#include "tests/heap_counter.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<int64_t> count{0};
}

int64_t cairn::heap_allocations() { return count; }

// The linker sends calls of malloc in linked code to __wrap_malloc (option --wrap in
// CMakeLists.txt).
extern "C" {
void* __real_malloc(size_t bytes);
void* __real_calloc(size_t n, size_t bytes);
void* __real_realloc(void* old, size_t bytes);
void* __real_aligned_alloc(size_t alignment, size_t bytes);
int __real_posix_memalign(void** to, size_t alignment, size_t bytes);

void* __wrap_malloc(size_t bytes) {
  ++count;
  return __real_malloc(bytes);
}
void* __wrap_calloc(size_t n, size_t bytes) {
  ++count;
  return __real_calloc(n, bytes);
}
void* __wrap_realloc(void* old, size_t bytes) {
  ++count;
  return __real_realloc(old, bytes);
}
void* __wrap_aligned_alloc(size_t alignment, size_t bytes) {
  ++count;
  return __real_aligned_alloc(alignment, bytes);
}
int __wrap_posix_memalign(void** to, size_t alignment, size_t bytes) {
  ++count;
  return __real_posix_memalign(to, alignment, bytes);
}
}

// The array forms of the standard library call these. (Its nothrow forms do as well, but those of
// AddressSanitizer don't.)
void* operator new(size_t bytes) {
  if (void* data = std::malloc(bytes ? bytes : 1)) return data;
  throw std::bad_alloc();
}
void* operator new(size_t bytes, std::align_val_t alignment) {
  const auto unit = static_cast<size_t>(alignment);
  if (void* data = std::aligned_alloc(unit, (bytes + unit) / unit * unit)) return data;
  throw std::bad_alloc();
}
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return std::malloc(bytes ? bytes : 1);
}
void operator delete(void* data) noexcept { std::free(data); }
void operator delete(void* data, size_t) noexcept { std::free(data); }
void operator delete(void* data, std::align_val_t) noexcept { std::free(data); }
void operator delete(void* data, size_t, std::align_val_t) noexcept { std::free(data); }
